"""A desk with years behind it, made by bulk SQL in the shapes the doors leave: mostly answered and closed, a few waiting."""

from __future__ import annotations

from yingda.db.desk import Tx

OPEN_IN = 200  # one conversation in so many is open and waits
LINES_PER_CONVERSATION = 10

CUSTOMERS = "INSERT INTO customers (name, language, zone) SELECT 'c' || i, 'en', 'UTC' FROM generate_series(1, $1::int) i"
HANDLES = """
INSERT INTO handles (account_id, kind, value, customer_id)
SELECT (SELECT min(id) FROM channel_accounts), 'wallet', 'big' || id, id FROM customers WHERE name LIKE 'c%'
"""
CONVERSATIONS = """
INSERT INTO conversations (id, account_id, customer_id, state, language, zone, seq, shown_seq, seen_shown_seq, last_hash,
                           waiting_since, opened_at, closed_at, close_reason, lead_since)
SELECT 1000000 + n, (SELECT min(id) FROM channel_accounts), id, CASE WHEN o THEN 'open' ELSE 'closed' END, 'en', 'UTC',
       $1::int, $1::int, CASE WHEN o THEN $1::int - 1 ELSE $1::int END, '\\x00', CASE WHEN o THEN t END, t,
       CASE WHEN NOT o THEN t + interval '1 hour' END,
       CASE WHEN NOT o THEN 'answered' END, CASE WHEN o AND n % 400 = 0 THEN t END
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, row_number() OVER (ORDER BY id) % $2::int = 0 AS o,
               desk_now() - make_interval(secs => row_number() OVER (ORDER BY id DESC) * 60) AS t
          FROM customers WHERE name LIKE 'c%') AS c
"""
LINES = """
INSERT INTO lines (conversation_id, seq, shown_seq, at, kind, text, salt, language, zone, account_id, outside_id, awaits, told_at)
SELECT c.id, s, s, c.opened_at + make_interval(secs => s),
       CASE WHEN s % 2 = 1 OR s = c.seq THEN 'message' ELSE 'reply' END,
       'line ' || s || ' of ' || c.id, '\\x00', 'en', 'UTC', c.account_id,
       CASE WHEN s % 2 = 1 THEN 'big:' || c.id || '/' || s END,
       c.state = 'open' AND s = c.seq, CASE WHEN s % 2 = 1 THEN c.opened_at END
  FROM conversations c CROSS JOIN generate_series(1, $1::int) s WHERE c.id > 1000000
"""
EVENTS = """
INSERT INTO events (conversation_id, seq, shown_seq, at, kind, body, hash, xid)
SELECT conversation_id, seq, shown_seq, at, 'received', '\\x7b7d', '\\x00', '0'::xid8 FROM lines WHERE conversation_id > 1000000
"""
PROMISES = """
INSERT INTO promises (conversation_id, kind, state, owner, from_seq, due_at, made_at, ended_at)
SELECT id, 'first_response', CASE WHEN state = 'open' THEN 'open' ELSE 'kept' END, 'queue:tier1', 1,
       CASE WHEN state = 'open' AND id % 1000 = 0 THEN desk_now() - interval '1 minute' ELSE desk_now() + interval '1 hour' END,
       opened_at, CASE WHEN state <> 'open' THEN closed_at END
  FROM conversations WHERE id > 1000000
"""
DELIVERIES = """
INSERT INTO deliveries (conversation_id, seq, shown_seq, seen_through, state, created_at, ended_at)
SELECT conversation_id, seq, shown_seq, seq - 1, 'delivered', at, at FROM lines WHERE kind = 'reply' AND conversation_id > 1000000
"""


async def grow(tx: Tx, conversations: int, lines_each: int = LINES_PER_CONVERSATION) -> None:
    """`conversations` old conversations with `lines_each` lines, and statistics as autovacuum would have them."""
    await tx.execute("SELECT set_config('statement_timeout', '0', false)")
    for statement, args in (
        (CUSTOMERS, [conversations]),
        (HANDLES, []),
        (CONVERSATIONS, [lines_each, OPEN_IN]),
        (LINES, [lines_each]),
        (EVENTS, []),
        (PROMISES, []),
        (DELIVERIES, []),
        ("ANALYZE", []),
    ):
        await tx._connection.execute(statement, *args, timeout=900)
