"""Hop 7 of the chat. The client fetches; our part is to wait for its word (`shown`), and to say so when it does not come."""

from __future__ import annotations

from yingda.conversations.evidence import COLLECT_SECONDS_MAX, offer
from yingda.conversations.policy import Policy
from yingda.db.desk import Desk, Row, Tx
from yingda.jobs.work import Later


async def send(desk: Desk, policy: Policy, delivery: Row) -> None:
    """Raises `Later` while the customer may still look; then the reply is offered: shown at the next visit.

    A page that is open acknowledges within seconds; one that does not is not open, and chat has no other way to the customer.
    """
    waited = (await desk.read(Tx.now) - delivery["created_at"]).total_seconds()
    if waited < COLLECT_SECONDS_MAX:
        raise Later(COLLECT_SECONDS_MAX - waited)
    await desk.transaction(lambda tx: offer(tx, policy, delivery["conversation_id"], delivery["seq"]))
