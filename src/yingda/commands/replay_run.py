"""A whole replay: messages at a steady rate, a ledger line for each "yes", then a look at what became of each."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Coroutine
from typing import Any, TextIO

from yingda.commands.replay_customer import CONNECTIONS_MAX, Customer, Http, Outcome

LOOK_EVERY_SECONDS = 2.0


async def run_all(http: Http, customers: list[Customer], rate: float, wait_seconds: float, ledger: TextIO) -> None:
    """Open loop: message i starts at i/rate seconds whether or not earlier ones are answered."""
    if not customers:
        return
    clock = customers[0].target.clock
    began = clock.monotonic()
    room = asyncio.Semaphore(CONNECTIONS_MAX)
    tasks = []
    for number, customer in enumerate(customers):
        await clock.sleep(max(0.0, began + number / rate - clock.monotonic()))
        tasks.append(asyncio.create_task(_within(room, _write(http, customer, ledger))))
    await asyncio.gather(*tasks)
    until = clock.monotonic() + wait_seconds
    while True:
        open_ones = [c for c in customers if c.conversation is not None and c.outcome is Outcome.WAITING]
        await asyncio.gather(*(_within(room, c.look(http)) for c in open_ones))
        if clock.monotonic() >= until or all(c.outcome is not Outcome.WAITING for c in open_ones):
            return
        await clock.sleep(LOOK_EVERY_SECONDS)


async def _within(room: asyncio.Semaphore, work: Coroutine[Any, Any, None]) -> None:
    async with room:
        await work


async def _write(http: Http, customer: Customer, ledger: TextIO) -> None:
    await customer.send(http)
    if customer.conversation is None:
        return
    line = {"client_id": customer.subject, "message_id": customer.message_id, "acknowledged_at": customer.acknowledged_at}
    ledger.write(json.dumps(line) + "\n")
    await customer.show(http)


def tally(customers: list[Customer], *, empty_rows: int) -> dict[str, Any]:
    """The figures of the contract."""
    count = {outcome: sum(c.outcome is outcome for c in customers) for outcome in Outcome}
    acknowledged = [c for c in customers if c.conversation is not None]
    return {
        "sent": len(customers),
        "acknowledged": len(acknowledged),
        "refused": count[Outcome.REFUSED] + empty_rows,
        "answered_by_bot": count[Outcome.ANSWERED_BY_BOT],
        "clarifying": count[Outcome.CLARIFYING],
        "handed_over": count[Outcome.HANDED_OVER],
        "answered_by_person": count[Outcome.ANSWERED_BY_PERSON],
        "unanswered": sum(c.outcome is Outcome.WAITING for c in acknowledged),
        "receipt_ms": _percentiles([c.receipt_ms for c in acknowledged if c.receipt_ms is not None]),
        "first_answer_ms": _percentiles([c.first_answer_ms for c in acknowledged if c.first_answer_ms is not None]),
    }


def _percentiles(values: list[float]) -> dict[str, float | None]:
    """Nearest-rank p50 and p99 in milliseconds; null when nothing was measured."""
    ordered = sorted(values)

    def rank(share: float) -> float | None:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) if ordered else None

    return {"p50": rank(0.5), "p99": rank(0.99)}
