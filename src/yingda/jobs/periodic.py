"""Periodic doors: each runs somewhere, never twice at once, and goes on after a crash. The age of each is watched.

A row per door holds when it is due and who runs it under a lease. A door that is late runs once, not once per missed time.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from yingda.db.desk import Desk, Row, Tx
from yingda.errors import Temporary

LEASE_SECONDS = 30.0
TICK_SECONDS = 0.25

log = logging.getLogger("yingda.periodic")

CLAIM = """
UPDATE periodic SET worker = $1, lease_until = desk_now() + make_interval(secs => $2)
 WHERE name = (SELECT name FROM periodic
                WHERE name = ANY ($3) AND next_at <= desk_now() AND (lease_until IS NULL OR lease_until < desk_now())
                ORDER BY next_at, name LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING name
"""
ENDED = """
UPDATE periodic SET worker = NULL, lease_until = NULL, next_at = desk_now() + make_interval(secs => every_seconds),
       ran_at = CASE WHEN $3::text IS NULL THEN desk_now() ELSE ran_at END, error = $3
 WHERE name = $1 AND worker = $2
"""


@dataclass(frozen=True)
class Door:
    """`step(desk)` runs every `every_seconds`; older than `age_seconds_max` since its last end, it is an alarm."""

    name: str
    every_seconds: float
    age_seconds_max: float
    step: Callable[[Desk], Awaitable[object]]


async def install(tx: Tx, doors: Sequence[Door]) -> None:
    """Make the rows: due at once when new; a changed rhythm is taken over."""
    for door in sorted(doors, key=lambda d: d.name):
        await tx.execute(
            "INSERT INTO periodic (name, every_seconds, next_at) VALUES ($1, $2, desk_now())"
            " ON CONFLICT (name) DO UPDATE SET every_seconds = excluded.every_seconds",
            door.name,
            door.every_seconds,
        )


@dataclass(frozen=True)
class Rounds:
    """One runner of periodic doors; any number may run beside each other."""

    desk: Desk
    doors: Mapping[str, Door]
    name: str

    async def step(self) -> str | None:
        """Run the one door that is most overdue, if any. Returns its name."""
        row = await self.desk.statement(lambda tx: tx.fetchrow(CLAIM, self.name, LEASE_SECONDS, sorted(self.doors)))
        if row is None:
            return None
        error = await self._run(row["name"])
        await self.desk.statement(lambda tx: tx.execute(ENDED, row["name"], self.name, error))
        return str(row["name"])

    async def _run(self, name: str) -> str | None:
        """The error to show, None when it came to its end. The job edge of periodic work: it records and shows."""
        try:
            await self.doors[name].step(self.desk)
        except Exception as error:
            log.exception("periodic door %s failed", name)
            return f"{type(error).__name__}: {error}"[:300]
        return None


async def watch(tx: Tx, doors: Mapping[str, Door]) -> list[Row]:
    """name, age_seconds (since the door last came to its end; since its row was due when it never did), error."""
    return await tx.fetch(
        "SELECT name, extract(epoch FROM desk_now() - coalesce(ran_at, next_at))::float8 AS age_seconds, error FROM periodic"
        " WHERE name = ANY ($1) ORDER BY name",
        sorted(doors),
    )


async def run_forever(rounds: Rounds) -> None:
    """The thin shell around `step`."""
    while True:
        try:
            ran = await rounds.step()
        except Temporary as error:
            log.warning("periodic work waits for the database: %s", error)
            await rounds.desk.clock.sleep(error.retry_after_seconds)
            continue
        if ran is None:
            await rounds.desk.clock.sleep(TICK_SECONDS)
