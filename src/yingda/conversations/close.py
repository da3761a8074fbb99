"""Close a conversation. Nothing that waits, and nothing that is still on its way, can be closed over."""

from __future__ import annotations

from yingda import words
from yingda.conversations.access import locked_for_agent
from yingda.conversations.line import SystemLine, say
from yingda.conversations.policy import Policy
from yingda.conversations.promise import settle
from yingda.db.desk import Tx, Written
from yingda.db.event import Fact
from yingda.errors import Refused
from yingda.people.viewer import AgentViewer

REASONS = ("answered", "no_answer_needed", "spam")


async def close(tx: Tx, policy: Policy, viewer: AgentViewer, conversation: int, *, reason: str, seen_through: int) -> Written:
    """`answered` needs every message answered with evidence. The other two classify what is left as awaiting nothing.

    Refused: close_reason_unknown; newer_messages (409: written after `seen_through`); close_unanswered (409);
    close_undelivered (409: a reply is on its way and the customer has not seen it).
    """
    if reason not in REASONS:
        raise Refused("close_reason_unknown", "reason")
    row = await locked_for_agent(tx, viewer, conversation)
    newest = await tx.fetchval("SELECT max(seq) FROM lines WHERE conversation_id = $1 AND kind = 'message'", conversation)
    if newest is not None and newest > seen_through:
        raise Refused("newer_messages", "seen_through", status=409)
    pending = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE conversation_id = $1 AND state = 'pending')"
    if await tx.fetchval(pending, conversation):
        raise Refused("close_undelivered", "reason", status=409)
    waiting = await tx.fetch("SELECT seq FROM lines WHERE conversation_id = $1 AND awaits ORDER BY seq", conversation)
    if waiting and reason == "answered":
        raise Refused("close_unanswered", "reason", status=409)
    for message in waiting:
        await tx.execute("UPDATE lines SET awaits = false WHERE conversation_id = $1 AND seq = $2", conversation, message["seq"])
        await tx.record(conversation, Fact("classified", viewer.actor, {"message": message["seq"], "as": reason}))
    await settle(tx, policy, conversation, "withdrawn")
    text = words.sentence(row["language"], "line.closed", number=conversation)
    line = SystemLine("closed", {"reason": reason}, text, row["language"], row["zone"])
    written = await say(tx, conversation, Fact("closed", viewer.actor, {"reason": reason}), line)
    await tx.execute(
        "UPDATE conversations SET state = 'closed', closed_at = desk_now(), close_reason = $2, assignee_id = NULL,"
        " assigned_at = NULL, lead_since = NULL WHERE id = $1",
        conversation,
        reason,
    )
    return written
