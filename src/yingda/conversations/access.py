"""The way to a conversation, through the viewer. What is not there and what may not be seen answer alike: 404."""

from __future__ import annotations

from yingda.db.desk import Row, Tx
from yingda.errors import Refused
from yingda.people.viewer import AgentViewer, CustomerViewer, Viewer, not_found

OF_CUSTOMER = """
SELECT c.id, c.account_id, c.customer_id, c.state, c.language, c.zone, c.seq, c.shown_seq, c.seen_shown_seq, c.assignee_id,
       c.waiting_since, c.lead_since, c.opened_at, c.closed_at, c.close_reason
  FROM handles h JOIN conversations c ON c.customer_id = h.customer_id AND c.account_id = h.account_id
 WHERE h.account_id = $1 AND h.kind = $2 AND h.value = $3 AND c.id = $4
"""
OF_AGENT = """
SELECT c.id, c.account_id, c.customer_id, c.state, c.language, c.zone, c.seq, c.shown_seq, c.seen_shown_seq, c.assignee_id,
       c.waiting_since, c.lead_since, c.opened_at, c.closed_at, c.close_reason
  FROM conversations c WHERE c.id = $1
"""
LOCKED = " FOR UPDATE OF c"
OF_CUSTOMER_LOCKED = OF_CUSTOMER + LOCKED
OF_AGENT_LOCKED = OF_AGENT + LOCKED


async def visible(tx: Tx, viewer: Viewer, conversation: int, *, lock: bool = False) -> Row:
    """The conversation's row if the viewer may see it, with its row lock if asked. Refused not_found (404) otherwise.

    A customer sees the conversations of the handle that was proven. Every agent sees every conversation: teams and
    queues with narrower rights come with routing.
    """
    if isinstance(viewer, CustomerViewer):
        query = OF_CUSTOMER_LOCKED if lock else OF_CUSTOMER
        row = await tx.fetchrow(query, viewer.account_id, viewer.handle_kind, viewer.handle_value, conversation)
    else:
        row = await tx.fetchrow(OF_AGENT_LOCKED if lock else OF_AGENT, conversation)
    if row is None:
        raise not_found()
    return row


async def locked_for_agent(tx: Tx, viewer: AgentViewer, conversation: int) -> Row:
    """An open conversation under its row lock. Refused conversation_closed (409) when it is not open."""
    row = await visible(tx, viewer, conversation, lock=True)
    if row["state"] != "open":
        raise Refused("conversation_closed", status=409)
    return row
