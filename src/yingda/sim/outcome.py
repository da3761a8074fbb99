"""What a simulation came to: figures from the rows, and one digest of everything that happened."""

from __future__ import annotations

import hashlib
from typing import Any

from yingda.db.desk import Tx
from yingda.db.event import micros

PAGE = 2000
INVARIANTS = ("kept", "taken", "promised", "moved_on", "owned", "delivered", "reconciled", "watched", "record")
NOT_CHECKED = ("owned", "reconciled")  # presence, and providers that hold anything of ours, do not exist yet

MESSAGES = """
SELECT count(*) AS messages,
       count(*) FILTER (WHERE r.seq IS NOT NULL) AS answered_by_person,
       count(*) FILTER (WHERE m.awaits AND (c.state <> 'open' OR c.waiting_since IS NULL OR p.id IS NULL)) AS unanswered
  FROM lines m JOIN conversations c ON c.id = m.conversation_id
  LEFT JOIN promises p ON p.conversation_id = c.id AND p.state = 'open'
  LEFT JOIN LATERAL (SELECT d.seq FROM deliveries d WHERE d.conversation_id = m.conversation_id AND d.seen_through >= m.seq
                        AND d.state IN ('delivered', 'offered') ORDER BY d.seq LIMIT 1) r ON true
 WHERE m.kind = 'message'
"""
PROMISES = """
SELECT count(*) FILTER (WHERE state = 'missed') AS missed, count(*) FILTER (WHERE state = 'open') AS open FROM promises
"""
# From a message to the first reply whose author had seen it.
WAITS = """
SELECT extract(epoch FROM r.at - m.at)::float8 AS seconds
  FROM lines m CROSS JOIN LATERAL (
    SELECT d.created_at AS at FROM deliveries d WHERE d.conversation_id = m.conversation_id AND d.seen_through >= m.seq
     ORDER BY d.seq LIMIT 1) r
 WHERE m.kind = 'message'
 ORDER BY 1
"""
CONVERSATIONS = "SELECT id FROM conversations WHERE id > $1 ORDER BY id LIMIT $2"
EVENTS = """
SELECT conversation_id, seq, kind, at, body, hash FROM events
 WHERE conversation_id BETWEEN $1 AND $2 ORDER BY conversation_id, seq
"""
LINES = "SELECT conversation_id, seq, text FROM lines WHERE conversation_id BETWEEN $1 AND $2 ORDER BY conversation_id, seq"


async def figures(tx: Tx) -> dict[str, Any]:
    """Keys of the command's answer that are found in the rows."""
    messages, promises = await tx.fetchrow(MESSAGES), await tx.fetchrow(PROMISES)
    assert messages is not None
    assert promises is not None
    return {
        "messages": messages["messages"],
        "answered_by_bot": 0,
        "answered_by_person": messages["answered_by_person"],
        "callbacks_made": 0,
        "callbacks_kept": 0,
        "promises_broken": promises["missed"],
        "unanswered": messages["unanswered"],
        "open_promises": promises["open"],
    }


async def waits(tx: Tx) -> dict[str, float | None]:
    """Seconds from a message to the first reply that covers it, whether collected or not."""
    ordered = [row["seconds"] for row in await tx.fetch(WAITS)]
    return {f"p{share}": nearest_rank(ordered, share) for share in (50, 90, 99)}


def nearest_rank(ordered: list[float], percent: int) -> float | None:
    """The smallest value that `percent` of all do not exceed; None of nothing."""
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 3) if ordered else None


async def digest_of(tx: Tx) -> str:
    """SHA-256 over every event and every text, in order: equal for equal seeds, on any server."""
    digest = hashlib.sha256()
    last = 0
    while page := await tx.fetch(CONVERSATIONS, last, PAGE):
        first, last = page[0]["id"], page[-1]["id"]
        for row in await tx.fetch(EVENTS, first, last):
            head = f"{row['conversation_id']}/{row['seq']}/{row['kind']}/{micros(row['at'])}/{len(row['body'])}/"
            digest.update(head.encode() + row["body"] + row["hash"])
        for row in await tx.fetch(LINES, first, last):
            text = hashlib.sha256(row["text"].encode()).digest()
            digest.update(f"{row['conversation_id']}/{row['seq']}/".encode() + text)
    return digest.hexdigest()
