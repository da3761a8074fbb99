-- The heart of the desk. Level: PostgreSQL 15. Time is desk_now(); the simulator replaces that one function.
CREATE FUNCTION desk_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT statement_timestamp() $$;

-- people ---------------------------------------------------------------------------------------------------------

CREATE TABLE desk (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  id text NOT NULL,                                   -- public, random; stands in every receipt
  name text NOT NULL,
  language text NOT NULL,
  zone text NOT NULL,
  hours jsonb NOT NULL,                               -- the hours file of `yingda due`
  first_response_minutes int NOT NULL CHECK (first_response_minutes > 0),
  created_at timestamptz NOT NULL DEFAULT desk_now()
);

-- Keys the desk signs with; the private half is wrapped by the master key, which is not in this database.
CREATE TABLE desk_keys (
  kid text PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('receipt')),
  public_key bytea NOT NULL,
  wrapped_private_key bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT desk_now()
);

CREATE TABLE channel_accounts (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel text NOT NULL,
  name text NOT NULL,
  widget_key text NOT NULL UNIQUE,
  origins text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT desk_now()
);

CREATE TABLE wallet_keys (
  kid text PRIMARY KEY,
  account_id int NOT NULL REFERENCES channel_accounts,
  algorithm text NOT NULL CHECK (algorithm IN ('HS256', 'EdDSA')),
  key bytea NOT NULL,                                 -- HS256: wrapped secret; EdDSA: raw public key
  created_at timestamptz NOT NULL DEFAULT desk_now(),
  retired_at timestamptz
);
CREATE INDEX wallet_keys_of_account ON wallet_keys (account_id);

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL DEFAULT '',
  language text NOT NULL,
  zone text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT desk_now()
);

-- `account_id` here, in `conversations` and in `files` has no foreign key: accounts are never deleted, and every new customer
-- would lock the one row of the account that all of them share.
CREATE TABLE handles (
  account_id int NOT NULL,
  kind text NOT NULL,                                 -- wallet: signed by the wallet; guest: a cookie or a page
  value text NOT NULL,
  customer_id bigint NOT NULL REFERENCES customers,
  created_at timestamptz NOT NULL DEFAULT desk_now(),
  PRIMARY KEY (account_id, kind, value)
);
CREATE INDEX handles_of_customer ON handles (customer_id);

CREATE TABLE guest_sessions (
  token_hash bytea PRIMARY KEY,
  account_id int NOT NULL REFERENCES channel_accounts,
  guest text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX guest_sessions_expired ON guest_sessions (expires_at);

CREATE TABLE agents (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('agent', 'lead', 'admin')),
  password_hash text NOT NULL,
  language text NOT NULL,
  zone text NOT NULL,
  demo boolean NOT NULL DEFAULT false,                -- refused when the desk listens beyond loopback
  created_at timestamptz NOT NULL DEFAULT desk_now(),
  disabled_at timestamptz
);
CREATE UNIQUE INDEX agents_email ON agents (lower(email));

CREATE TABLE staff_sessions (
  token_hash bytea PRIMARY KEY,
  agent_id int NOT NULL REFERENCES agents,
  created_at timestamptz NOT NULL DEFAULT desk_now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX staff_sessions_of_agent ON staff_sessions (agent_id);
CREATE INDEX staff_sessions_expired ON staff_sessions (expires_at);

CREATE TABLE signin_failures (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject bytea NOT NULL,                             -- hash of (email, client address): an attacker elsewhere locks nobody out
  at timestamptz NOT NULL DEFAULT desk_now()
);
CREATE INDEX signin_failures_of_subject ON signin_failures (subject, at);

-- conversations --------------------------------------------------------------------------------------------------

-- Processes draw blocks of numbers ahead, so the words of a receipt can name the number before the row exists.
CREATE SEQUENCE conversation_numbers START 10001 INCREMENT 100;

CREATE TABLE conversations (
  id bigint PRIMARY KEY,                              -- also the number the customer is told
  account_id int NOT NULL,
  customer_id bigint NOT NULL REFERENCES customers,
  thread_key text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'joined')),
  language text NOT NULL,
  zone text NOT NULL,
  seq bigint NOT NULL DEFAULT 0,                      -- counts every event
  shown_seq bigint NOT NULL DEFAULT 0,                -- counts what the customer may see
  last_hash bytea NOT NULL,
  seen_shown_seq bigint NOT NULL DEFAULT 0,           -- acknowledged by the customer's client: evidence
  assignee_id int REFERENCES agents,
  assigned_at timestamptz,
  waiting_since timestamptz,                          -- arrival of the oldest message that awaits an answer
  lead_since timestamptz,                             -- on the lead's list since (a promise was missed)
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  close_reason text,
  CHECK (seen_shown_seq <= shown_seq AND shown_seq <= seq),
  CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE UNIQUE INDEX conversations_one_open ON conversations (customer_id, account_id, thread_key) WHERE state = 'open';
CREATE INDEX conversations_of_customer ON conversations (customer_id, id);
CREATE INDEX conversations_waiting ON conversations (waiting_since, id) WHERE waiting_since IS NOT NULL AND assignee_id IS NULL;
CREATE INDEX conversations_lead ON conversations (lead_since, id) WHERE lead_since IS NOT NULL;
CREATE INDEX conversations_mine ON conversations (assignee_id, id) WHERE state = 'open' AND assignee_id IS NOT NULL;

-- What happened, without a word of what was said. Never updated, never deleted (the trigger below).
-- No foreign key here or in `lines`: both are written only under the lock of the conversation's row, by doors that have just
-- read it, and two look-ups for each row cost a tenth of receiving a message.
CREATE TABLE events (
  conversation_id bigint NOT NULL,
  seq bigint NOT NULL,
  shown_seq bigint,
  id bigint GENERATED ALWAYS AS IDENTITY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),     -- with id: the cursor across conversations
  at timestamptz NOT NULL,
  kind text NOT NULL,
  body bytea NOT NULL,                                -- RFC 8785 JSON
  hash bytea NOT NULL,
  PRIMARY KEY (conversation_id, seq)
);
CREATE INDEX events_cursor ON events (xid, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the record is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events EXECUTE FUNCTION refuse_change();

-- What can be read: a customer's message, a reply, a line the desk said. One row for one event.
CREATE TABLE lines (
  conversation_id bigint NOT NULL,
  seq bigint NOT NULL,
  shown_seq bigint,
  at timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('message', 'reply', 'system')),
  agent_id int REFERENCES agents,                     -- who wrote a reply
  text text NOT NULL,                                 -- of a system line: the exact words told
  salt bytea NOT NULL,
  code text,                                          -- of a system line
  params jsonb,
  language text NOT NULL,
  zone text NOT NULL,
  account_id int,
  outside_id text,                                    -- of a message: exactly one row for (account, outside id)
  masked text[],                                      -- kinds of secrets that were masked
  awaits boolean NOT NULL DEFAULT false,              -- a person's message that no delivered reply covers yet
  receipt_shown_seq bigint,                           -- where its receipt stands
  told_at timestamptz,                                -- the receipt has evidence
  withheld text,                                      -- or the reason why the receipt could not be shown
  PRIMARY KEY (conversation_id, seq)
);
CREATE UNIQUE INDEX lines_outside ON lines (account_id, outside_id) WHERE outside_id IS NOT NULL;
CREATE INDEX lines_shown ON lines (conversation_id, shown_seq) WHERE shown_seq IS NOT NULL;
CREATE INDEX lines_awaiting ON lines (conversation_id, seq) WHERE awaits;
CREATE INDEX lines_untold ON lines (at) WHERE awaits AND told_at IS NULL AND withheld IS NULL;

CREATE TABLE files (
  id text PRIMARY KEY,                                -- random: cannot be guessed, and is never enough
  account_id int NOT NULL,
  handle_kind text NOT NULL,
  handle_value text NOT NULL,
  conversation_id bigint REFERENCES conversations,
  seq bigint,
  name text NOT NULL,
  type text NOT NULL,                                 -- found from the content
  size int NOT NULL,
  sha256 bytea NOT NULL,
  data bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT desk_now()
);
ALTER TABLE files ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX files_of_line ON files (conversation_id, seq) WHERE conversation_id IS NOT NULL;
CREATE INDEX files_loose ON files (created_at) WHERE conversation_id IS NULL;

CREATE TABLE promises (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation_id bigint NOT NULL REFERENCES conversations,
  kind text NOT NULL CHECK (kind IN ('first_response', 'next_response')),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'missed', 'withdrawn')),
  owner text NOT NULL,                                -- queue:tier1, agent:ID, lead
  from_seq bigint NOT NULL,                           -- the oldest message it covers
  due_at timestamptz NOT NULL,
  made_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX promises_one_open ON promises (conversation_id) WHERE state = 'open';
CREATE INDEX promises_due ON promises (due_at, id) WHERE state = 'open';
CREATE INDEX promises_missed ON promises (ended_at, id) WHERE state = 'missed';

-- One row for one reply on its way. The clock stops on evidence only.
CREATE TABLE deliveries (
  conversation_id bigint NOT NULL,
  seq bigint NOT NULL,
  shown_seq bigint NOT NULL,
  seen_through bigint NOT NULL,                       -- the last seq its author had on screen
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'offered', 'undeliverable')),
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  reason text,
  PRIMARY KEY (conversation_id, seq),
  FOREIGN KEY (conversation_id, seq) REFERENCES lines
);
CREATE INDEX deliveries_pending ON deliveries (created_at) WHERE state = 'pending';

-- Keys of what staff sent, so that a form posted twice writes once.
CREATE TABLE staff_keys (
  agent_id int NOT NULL REFERENCES agents,
  key text NOT NULL,
  conversation_id bigint NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (agent_id, key)
);

-- jobs -----------------------------------------------------------------------------------------------------------

CREATE TABLE jobs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  args jsonb NOT NULL,
  run_at timestamptz NOT NULL DEFAULT desk_now(),
  attempts int NOT NULL DEFAULT 0,
  worker text,
  lease_until timestamptz,
  failed_at timestamptz,                              -- on the shelf: a person looks at it
  error text,
  created_at timestamptz NOT NULL DEFAULT desk_now()
);
CREATE INDEX jobs_ready ON jobs (run_at, id) WHERE worker IS NULL AND failed_at IS NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE worker IS NOT NULL;
CREATE INDEX jobs_shelf ON jobs (failed_at) WHERE failed_at IS NOT NULL;

CREATE TABLE periodic (
  name text PRIMARY KEY,
  every_seconds double precision NOT NULL,
  next_at timestamptz NOT NULL,
  worker text,
  lease_until timestamptz,
  ran_at timestamptz,                                 -- the watched age: when it last came to its end
  error text
);
