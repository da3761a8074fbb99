"""Who has it: an agent takes a conversation, or hands it back to the queue. The customer is told either way."""

from __future__ import annotations

from yingda import words
from yingda.conversations.access import locked_for_agent
from yingda.conversations.line import SystemLine, say
from yingda.conversations.policy import TIER1
from yingda.conversations.promise import give_to
from yingda.db.desk import Row, Tx, Written
from yingda.db.event import Fact
from yingda.errors import Refused
from yingda.people.viewer import AgentViewer


async def take(tx: Tx, viewer: AgentViewer, conversation: int) -> Written | None:
    """The agent has it now. None when it was theirs already; Refused taken_by_other (409) unless the viewer leads."""
    row = await locked_for_agent(tx, viewer, conversation)
    return await take_locked(tx, viewer, row)


async def take_locked(tx: Tx, viewer: AgentViewer, row: Row) -> Written | None:
    if row["assignee_id"] == viewer.agent_id:
        return None
    if row["assignee_id"] is not None and not viewer.leads:
        raise Refused("taken_by_other", status=409)
    await tx.execute(
        "UPDATE conversations SET assignee_id = $2, assigned_at = desk_now() WHERE id = $1", row["id"], viewer.agent_id
    )
    await give_to(tx, row["id"], viewer.actor)
    text = words.sentence(row["language"], "line.taken", name=viewer.name)
    line = SystemLine("taken", {"agent": viewer.agent_id}, text, row["language"], row["zone"])
    return await say(tx, row["id"], Fact("taken", viewer.actor), line)


async def hand_back(tx: Tx, viewer: AgentViewer, conversation: int) -> Written:
    """Back to the queue; the promise's time stands. Refused not_yours (409) unless it is the viewer's or the viewer leads."""
    row = await locked_for_agent(tx, viewer, conversation)
    if row["assignee_id"] is None or (row["assignee_id"] != viewer.agent_id and not viewer.leads):
        raise Refused("not_yours", status=409)
    await tx.execute("UPDATE conversations SET assignee_id = NULL, assigned_at = NULL WHERE id = $1", conversation)
    await give_to(tx, conversation, TIER1)
    text = words.sentence(row["language"], "line.handed_back", owner=words.sentence(row["language"], f"owner.{TIER1}"))
    line = SystemLine("handed_back", {"owner": TIER1}, text, row["language"], row["zone"])
    return await say(tx, conversation, Fact("handed_back", viewer.actor), line)
