"""The sweep: time is a trigger. What is past due moves on; a receipt nobody collects is withheld, on record."""

from __future__ import annotations

import logging

from yingda.conversations.evidence import withhold
from yingda.conversations.policy import Policies
from yingda.conversations.promise import move_on
from yingda.db.desk import Desk, Work
from yingda.errors import Temporary
from yingda.jobs.edge import traced

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
   ORDER BY at, conversation_id, seq LIMIT $1) AS oldest
 ORDER BY conversation_id
"""


log = logging.getLogger("yingda.sweep")


async def sweep(desk: Desk, policies: Policies) -> int:
    """One step: each conversation in a transaction of its own, so that one that is locked or broken holds up no other.

    Returns how many promises moved on. Raises the first failure once all others have had their turn.
    """
    policy = await policies.present()
    failures: list[Exception] = []
    moved = 0
    for row in await desk.read(lambda tx: tx.fetch(PAST_DUE, SWEPT_PER_STEP_MAX)):
        number = row["conversation_id"]
        moved += await _apart(desk, failures, number, lambda tx, c=number: move_on(tx, policy, c))  # type: ignore[misc]
    for row in await desk.read(lambda tx: tx.fetch(UNTOLD, SWEPT_PER_STEP_MAX, RECEIPT_WAIT_SECONDS)):
        number = row["conversation_id"]
        await _apart(desk, failures, number,
                     lambda tx, c=number: withhold(tx, c, "not_collected", RECEIPT_WAIT_SECONDS))  # type: ignore[misc]  # fmt: skip
    if failures:
        raise failures[0]
    return moved


async def _apart(desk: Desk, failures: list[Exception], conversation: int, work: Work[int]) -> int:
    """Each conversation is a job of its own, so this is the job's edge: what fails is recorded here and shown by the caller."""
    try:
        return await desk.transaction(work)
    except Exception as error:
        if isinstance(error, Temporary) and error.code == "database_away":
            raise  # none of the others can be done either
        log.error("the sweep of conversation %s failed: %s", conversation, traced(error))
        failures.append(error)
        return 0
