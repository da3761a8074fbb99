"""Reply: hop 6, the one door for what the desk answers. Stored as pending; the clock stops on the channel's evidence only."""

from __future__ import annotations

import re

from yingda.conversations.access import locked_for_agent
from yingda.conversations.assign import take_locked
from yingda.conversations.secrets import mask
from yingda.conversations.text import clean
from yingda.db.desk import Row, Tx, Written
from yingda.db.event import SALT_BYTES, Fact, commitment, content_of
from yingda.errors import Refused
from yingda.people.viewer import AgentViewer

REPLY_CHARACTERS_MAX = 10_000
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

SHOWN_AFTER = """
SELECT EXISTS (SELECT 1 FROM lines WHERE conversation_id = $1 AND seq > $2
                AND (kind = 'message' OR (kind = 'reply' AND agent_id IS DISTINCT FROM $3)))
"""


async def reply(tx: Tx, viewer: AgentViewer, conversation: int, *, text: str, seen_through: int, key: str,
                anyway: bool = False) -> Written:  # fmt: skip
    """Store a reply that covers messages up to `seen_through`, the last seq its author had on screen.

    The same `key` again gives the first result. Refused: reply_empty, reply_too_long, reply_key, newer_messages (409:
    someone wrote after `seen_through`; show it first, then `anyway`), conversation_closed, taken_by_other (409).
    """
    text = clean(text).strip()
    if not text:
        raise Refused("reply_empty", "text")
    if len(text) > REPLY_CHARACTERS_MAX:
        raise Refused("reply_too_long", "text")
    if not _KEY.fullmatch(key):
        raise Refused("reply_key", "key")
    row = await locked_for_agent(tx, viewer, conversation)
    earlier = await _sent_before(tx, viewer, key, conversation)
    if earlier is not None:
        return earlier
    if not 0 <= seen_through <= row["seq"]:
        raise Refused("seen_through_unknown", "seen_through")
    if not anyway and await tx.fetchval(SHOWN_AFTER, conversation, seen_through, viewer.agent_id):
        raise Refused("newer_messages", "seen_through", status=409)
    await take_locked(tx, viewer, row)
    return await _write(tx, viewer, row, mask(text).text, seen_through, key)


async def _sent_before(tx: Tx, viewer: AgentViewer, key: str, conversation: int) -> Written | None:
    row = await tx.fetchrow(
        "SELECT k.conversation_id, l.seq, l.shown_seq, l.at FROM staff_keys k"
        " JOIN lines l ON l.conversation_id = k.conversation_id AND l.seq = k.seq WHERE k.agent_id = $1 AND k.key = $2",
        viewer.agent_id,
        key,
    )
    if row is None:
        return None
    if row["conversation_id"] != conversation:
        raise Refused("reply_key", "key", status=409)
    return Written(conversation, row["seq"], row["shown_seq"], row["at"])


async def _write(tx: Tx, viewer: AgentViewer, row: Row, text: str, seen_through: int, key: str) -> Written:
    salt = tx.desk.chance.bytes(SALT_BYTES)
    fact = Fact("replied", viewer.actor, {"content": commitment(salt, content_of(text, [])), "seen_through": seen_through})
    written = await tx.record(row["id"], fact, shown=True)
    await tx.execute(
        "INSERT INTO lines (conversation_id, seq, shown_seq, at, kind, agent_id, text, salt, language, zone)"
        " VALUES ($1, $2, $3, $4, 'reply', $5, $6, $7, $8, $9)",
        row["id"], written.seq, written.shown_seq, written.at, viewer.agent_id, text, salt, row["language"], row["zone"],
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO deliveries (conversation_id, seq, shown_seq, seen_through, created_at) VALUES ($1, $2, $3, $4, $5)",
        row["id"], written.seq, written.shown_seq, seen_through, written.at,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO staff_keys (agent_id, key, conversation_id, seq) VALUES ($1, $2, $3, $4)",
        viewer.agent_id, key, row["id"], written.seq,
    )  # fmt: skip
    return written
