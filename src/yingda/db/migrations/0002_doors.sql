-- The doors that must be one round trip.

-- hash = SHA-256(0x01 || previous || seq || at in microseconds since 1970 UTC || SHA-256(body)), big-endian.
CREATE FUNCTION event_hash(previous bytea, seq bigint, at timestamptz, body bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT sha256('\x01'::bytea || previous || int8send(seq) || int8send((extract(epoch FROM at) * 1000000)::bigint) || sha256(body))
$$;

CREATE FUNCTION first_hash(conversation bigint) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT sha256(convert_to('yingda' || conversation, 'UTF8'))
$$;

-- Appends one event under the conversation's row lock (taken here if the caller has not): gives seq, shown_seq and the hash,
-- and writes the jobs that follow, in the caller's transaction.
CREATE FUNCTION append_event(p_conversation bigint, p_kind text, p_body bytea, p_shown boolean, p_jobs text[])
RETURNS TABLE (seq bigint, shown_seq bigint, at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  c record;
BEGIN
  SELECT k.seq + 1 AS seq, k.shown_seq + p_shown::int AS shown_seq, k.last_hash INTO STRICT c
    FROM conversations k WHERE k.id = p_conversation FOR UPDATE;
  at := desk_now();
  seq := c.seq;
  shown_seq := CASE WHEN p_shown THEN c.shown_seq END;
  c.last_hash := event_hash(c.last_hash, c.seq, at, p_body);
  INSERT INTO events (conversation_id, seq, shown_seq, at, kind, body, hash)
  VALUES (p_conversation, c.seq, append_event.shown_seq, append_event.at, p_kind, p_body, c.last_hash);
  UPDATE conversations k SET seq = c.seq, shown_seq = c.shown_seq, last_hash = c.last_hash WHERE k.id = p_conversation;
  IF cardinality(p_jobs) > 0 THEN
    INSERT INTO jobs (kind, args)
    SELECT j, jsonb_build_object('conversation', p_conversation, 'seq', append_event.seq) FROM unnest(p_jobs) AS j;
  END IF;
  RETURN NEXT;
END $$;

-- Receives one message: the whole of hop 4 in one statement. The caller has composed the words for what it believes is
-- the case (`p_believed_*`: the open conversation, the due time and the owner of its open promise, or who would owe the next; 0 and NULL for none).
-- If it is otherwise, nothing is written and outcome 'stale' tells what is; the caller composes anew. Outcomes:
--   received: written; repeat: this outside id was received before, here is where; stale: believe this instead.
-- The arrays hold the events in order: [opened] received [promised] [secret_masked] receipt; p_texts is NULL where an event has no line.
CREATE FUNCTION receive_message(
  p_account int, p_handle_kind text, p_handle_value text, p_name text, p_language text, p_zone text, p_thread text,
  p_outside_id text, p_believed_conversation bigint, p_believed_due timestamptz, p_believed_owner text,
  p_new_conversation bigint, p_kinds text[], p_bodies bytea[], p_texts text[], p_salts bytea[], p_codes text[], p_params jsonb[],
  p_masked text[], p_files text[], p_due timestamptz, p_owner text, p_jobs text[])
RETURNS TABLE (outcome text, conversation_id bigint, customer_id bigint, due_at timestamptz, owner text,
               seq bigint, shown_seq bigint, latest_shown_seq bigint, at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  c conversations%ROWTYPE;
  earlier record;
  n int := cardinality(p_kinds);
  i int;
  opens boolean;
  message_seq bigint;
  message_shown bigint;
  hashes bytea[];
  seqs bigint[];
  shown bigint[];
BEGIN
  SELECT h.customer_id INTO customer_id FROM handles h
   WHERE h.account_id = p_account AND h.kind = p_handle_kind AND h.value = p_handle_value;
  IF customer_id IS NULL THEN
    INSERT INTO customers (name, language, zone) VALUES (p_name, p_language, p_zone) RETURNING id INTO customer_id;
    INSERT INTO handles (account_id, kind, value, customer_id) VALUES (p_account, p_handle_kind, p_handle_value, customer_id)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN  -- another connection met this customer a moment ago
      DELETE FROM customers WHERE id = receive_message.customer_id;
      SELECT h.customer_id INTO STRICT customer_id FROM handles h
       WHERE h.account_id = p_account AND h.kind = p_handle_kind AND h.value = p_handle_value;
      PERFORM 1 FROM customers k WHERE k.id = receive_message.customer_id FOR UPDATE;
    END IF;
  ELSE
    PERFORM 1 FROM customers k WHERE k.id = receive_message.customer_id FOR UPDATE;
  END IF;

  SELECT l.conversation_id, l.seq, l.shown_seq, l.at INTO earlier FROM lines l
   WHERE l.account_id = p_account AND l.outside_id = p_outside_id;
  IF FOUND THEN
    outcome := 'repeat';
    conversation_id := earlier.conversation_id; seq := earlier.seq; shown_seq := earlier.shown_seq; at := earlier.at;
    RETURN NEXT; RETURN;
  END IF;

  SELECT k.* INTO c FROM conversations k
   WHERE k.customer_id = receive_message.customer_id AND k.account_id = p_account AND k.thread_key = p_thread AND k.state = 'open'
     FOR UPDATE;
  IF FOUND THEN
    SELECT p.due_at, p.owner INTO due_at, owner FROM promises p WHERE p.conversation_id = c.id AND p.state = 'open' FOR UPDATE;
    -- Without an open promise: who would owe the next one.
    owner := coalesce(owner, 'agent:' || c.assignee_id, 'queue:tier1');
  END IF;
  IF coalesce(c.id, 0) <> p_believed_conversation OR due_at IS DISTINCT FROM p_believed_due OR owner IS DISTINCT FROM p_believed_owner THEN
    outcome := 'stale'; conversation_id := coalesce(c.id, 0);
    RETURN NEXT; RETURN;
  END IF;

  at := desk_now();
  opens := c.id IS NULL;
  IF opens THEN
    c.id := p_new_conversation; c.seq := 0; c.shown_seq := 0; c.last_hash := first_hash(p_new_conversation);
  END IF;

  FOR i IN 1 .. n LOOP
    c.seq := c.seq + 1;
    c.last_hash := event_hash(c.last_hash, c.seq, at, p_bodies[i]);
    IF p_texts[i] IS NOT NULL THEN
      c.shown_seq := c.shown_seq + 1;
      IF p_kinds[i] = 'received' THEN message_seq := c.seq; message_shown := c.shown_seq; END IF;
    END IF;
    seqs[i] := c.seq;
    shown[i] := CASE WHEN p_texts[i] IS NOT NULL THEN c.shown_seq END;
    hashes[i] := c.last_hash;
  END LOOP;

  IF opens THEN
    INSERT INTO conversations (id, account_id, customer_id, thread_key, language, zone, seq, shown_seq, last_hash, waiting_since, opened_at)
    VALUES (c.id, p_account, customer_id, p_thread, p_language, p_zone, c.seq, c.shown_seq, c.last_hash, at, at);
  ELSE
    UPDATE conversations k
       SET seq = c.seq, shown_seq = c.shown_seq, last_hash = c.last_hash,
           waiting_since = coalesce(k.waiting_since, receive_message.at)
     WHERE k.id = c.id;
  END IF;

  INSERT INTO events (conversation_id, seq, shown_seq, at, kind, body, hash)
  SELECT c.id, e.seq, e.shown, receive_message.at, e.kind, e.body, e.hash
    FROM unnest(seqs, shown, p_kinds, p_bodies, hashes) AS e (seq, shown, kind, body, hash);

  INSERT INTO lines (conversation_id, seq, shown_seq, at, kind, text, salt, code, params, language, zone,
                     account_id, outside_id, masked, awaits, receipt_shown_seq)
  SELECT c.id, e.seq, e.shown, receive_message.at, CASE e.kind WHEN 'received' THEN 'message' ELSE 'system' END,
         e.text, e.salt, e.code, e.params, p_language, p_zone,
         CASE e.kind WHEN 'received' THEN p_account END, CASE e.kind WHEN 'received' THEN p_outside_id END,
         CASE e.kind WHEN 'received' THEN p_masked END, e.kind = 'received',
         CASE e.kind WHEN 'received' THEN c.shown_seq END          -- the receipt is the last line of the batch
    FROM unnest(seqs, shown, p_kinds, p_texts, p_salts, p_codes, p_params) AS e (seq, shown, kind, text, salt, code, params)
   WHERE e.text IS NOT NULL;

  IF cardinality(p_files) > 0 THEN
    UPDATE files f SET conversation_id = c.id, seq = message_seq
     WHERE f.id = ANY (p_files) AND f.conversation_id IS NULL
       AND f.account_id = p_account AND f.handle_kind = p_handle_kind AND f.handle_value = p_handle_value;
    GET DIAGNOSTICS i = ROW_COUNT;
    IF i <> cardinality(p_files) THEN
      RAISE EXCEPTION 'files' USING ERRCODE = 'YD001';  -- not theirs, or used before: the whole message is refused
    END IF;
  END IF;

  IF due_at IS NULL THEN
    INSERT INTO promises (conversation_id, kind, owner, from_seq, due_at, made_at)
    VALUES (c.id, CASE WHEN opens THEN 'first_response' ELSE 'next_response' END,
            p_owner, message_seq, p_due, receive_message.at);
    due_at := p_due; owner := p_owner;
  END IF;

  IF cardinality(p_jobs) > 0 THEN
    INSERT INTO jobs (kind, args) SELECT j, jsonb_build_object('conversation', c.id, 'seq', message_seq) FROM unnest(p_jobs) AS j;
  END IF;

  outcome := 'received'; conversation_id := c.id; seq := message_seq; shown_seq := message_shown; latest_shown_seq := c.shown_seq;
  RETURN NEXT;
END $$;

-- The same for many messages in one statement and one commit: what waits at the same time is folded together, which is five
-- times as many durable messages a second. The caller sorts by handle, so that two batches lock customers in the same order.
CREATE TYPE inbound_message AS (
  account int, handle_kind text, handle_value text, name text, language text, zone text, thread text, outside_id text,
  believed_conversation bigint, believed_due timestamptz, believed_owner text, new_conversation bigint, kinds text[],
  bodies bytea[], texts text[], salts bytea[], codes text[], params jsonb[], masked text[], files text[], due timestamptz,
  owner text, jobs text[]);

CREATE FUNCTION receive_messages(p inbound_message[])
RETURNS TABLE (outcome text, conversation_id bigint, customer_id bigint, due_at timestamptz, owner text,
               seq bigint, shown_seq bigint, latest_shown_seq bigint, at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  m inbound_message;
BEGIN
  FOREACH m IN ARRAY p LOOP
    RETURN QUERY SELECT * FROM receive_message(
      m.account, m.handle_kind, m.handle_value, m.name, m.language, m.zone, m.thread, m.outside_id, m.believed_conversation,
      m.believed_due, m.believed_owner, m.new_conversation, m.kinds, m.bodies, m.texts, m.salts, m.codes, m.params, m.masked,
      m.files, m.due, m.owner, m.jobs);
  END LOOP;
END $$;
