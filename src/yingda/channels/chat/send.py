"""Hop 7 of the chat. The client fetches; our part is to wait for its word (`shown`), and to say so when it does not come."""

from __future__ import annotations

from yingda.conversations.evidence import offer
from yingda.conversations.policy import Policy
from yingda.db.desk import Desk, Row, Tx
from yingda.jobs.work import Later

# A page that is open acknowledges within seconds. After this long it is not open, and chat has no other way to the customer.
COLLECT_WAIT_SECONDS = 600.0


async def send(desk: Desk, policy: Policy, delivery: Row) -> None:
    """Raises `Later` while the customer may still look; then the reply is offered: shown at the next visit."""
    waited = (await desk.read(Tx.now) - delivery["created_at"]).total_seconds()
    if waited < COLLECT_WAIT_SECONDS:
        raise Later(COLLECT_WAIT_SECONDS - waited)
    await desk.transaction(lambda tx: offer(tx, policy, delivery["conversation_id"], delivery["seq"]))
