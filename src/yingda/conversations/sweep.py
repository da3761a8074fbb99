"""The sweep: time is a trigger. What is past due moves on; a receipt nobody collects is withheld, on record."""

from __future__ import annotations

from yingda.conversations.evidence import withhold
from yingda.conversations.policy import Policies
from yingda.conversations.promise import move_on
from yingda.db.desk import Desk

SWEEP_EVERY_SECONDS = 1.0
SWEPT_PER_STEP_MAX = 200
RECEIPT_WAIT_SECONDS = 7.0  # the allowance of the invariant is 10

PAST_DUE = """
SELECT conversation_id FROM promises WHERE state = 'open' AND due_at <= desk_now() ORDER BY due_at, id LIMIT $1
"""
UNTOLD = """
SELECT DISTINCT conversation_id FROM (
  SELECT conversation_id FROM lines
   WHERE awaits AND told_at IS NULL AND withheld IS NULL AND at <= desk_now() - make_interval(secs => $2)
   ORDER BY at LIMIT $1) AS oldest
 ORDER BY conversation_id
"""


async def sweep(desk: Desk, policies: Policies) -> int:
    """One step: each conversation in a transaction of its own, so that one that is locked or broken holds up no other."""
    policy = await policies.present()
    due = await desk.read(lambda tx: tx.fetch(PAST_DUE, SWEPT_PER_STEP_MAX))
    moved = 0
    for row in due:
        moved += await desk.transaction(lambda tx, c=row["conversation_id"]: move_on(tx, policy, c))  # type: ignore[misc]
    untold = await desk.read(lambda tx: tx.fetch(UNTOLD, SWEPT_PER_STEP_MAX, RECEIPT_WAIT_SECONDS))
    for row in untold:
        await desk.transaction(
            lambda tx, c=row["conversation_id"]: withhold(tx, c, "not_collected", RECEIPT_WAIT_SECONDS)  # type: ignore[misc]
        )
    return moved
