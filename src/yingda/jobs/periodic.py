"""Periodic doors: each runs somewhere, never twice at once, and goes on after a crash. The age of each is watched.

A row per door holds when it is due and who runs it under a lease. A door that is late runs once, not once per missed time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from yingda.db.desk import Desk, Row, Tx
from yingda.errors import Temporary
from yingda.jobs.edge import shown, traced

# A lease outlives its renewal by more than a statement may take: who cannot renew stops before anybody else may start.
# It is shorter than the allowance of the sweep, so that a process killed in a sweep keeps no promise waiting beyond it.
LEASE_SECONDS = 4.5
BEAT_SECONDS = 1.0
RENEW_SECONDS_MAX = 1.5
AWAY_SECONDS_MAX = 1.0  # how soon it looks again when the database was away
TICK_SECONDS = 0.25
LEAVE_SECONDS_MAX = 2.0

log = logging.getLogger("yingda.periodic")

# A runner that asks is running nothing, so a lease in its own name is left over from an answer that was lost.
CLAIM = """
UPDATE periodic SET worker = $1, lease_until = desk_now() + make_interval(secs => $2)
 WHERE name = (SELECT name FROM periodic
                WHERE name = ANY ($3) AND next_at <= desk_now()
                  AND (worker IS NULL OR lease_until < desk_now() OR worker = $1)
                ORDER BY next_at, name LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING name
"""
RENEW = """
UPDATE periodic SET lease_until = desk_now() + make_interval(secs => $3) WHERE name = $1 AND worker = $2 RETURNING name
"""
ENDED = """
UPDATE periodic SET worker = NULL, lease_until = NULL, next_at = desk_now() + make_interval(secs => every_seconds),
       ran_at = CASE WHEN $3::text IS NULL THEN desk_now() ELSE ran_at END, error = $3
 WHERE name = $1 AND worker = $2
"""
LEAVE = "UPDATE periodic SET worker = NULL, lease_until = NULL WHERE worker = $1"
INSTALL = """
INSERT INTO periodic (name, every_seconds, next_at) VALUES ($1, $2, desk_now())
ON CONFLICT (name) DO UPDATE
   SET every_seconds = excluded.every_seconds,
       next_at = least(periodic.next_at, desk_now() + make_interval(secs => excluded.every_seconds))
"""
WATCH = """
SELECT name, extract(epoch FROM desk_now() - coalesce(ran_at, installed_at))::float8 AS age_seconds, error FROM periodic
 WHERE name = ANY ($1) ORDER BY name
"""


class LeaseLost(Exception):
    """Somebody else may run this door now."""


@dataclass(frozen=True)
class Door:
    """`step(desk)` runs every `every_seconds`; older than `age_seconds_max` since its last end, it is an alarm."""

    name: str
    every_seconds: float
    age_seconds_max: float
    step: Callable[[Desk], Awaitable[object]]


async def install(tx: Tx, doors: Sequence[Door]) -> None:
    """Make the rows: due at once when new; a changed rhythm is taken over, and a faster one does not wait for the old time."""
    for door in sorted(doors, key=lambda d: d.name):
        await tx.execute(INSTALL, door.name, door.every_seconds)


@dataclass(frozen=True)
class Rounds:
    """One runner of periodic doors; any number may run beside each other, each under a name of its own."""

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

    async def leave(self) -> None:
        """Give up what this runner holds: its door is due at once for the others."""
        await self.desk.statement(lambda tx: tx.execute(LEAVE, self.name))

    async def _run(self, name: str) -> str | None:
        """The error to show, None when it came to its end. The job edge of periodic work: it records and shows."""
        try:
            await self._renewed(name, asyncio.ensure_future(self.doors[name].step(self.desk)))
        except Exception as error:
            log.error("periodic door %s failed: %s", name, traced(error))
            return shown(error)
        return None

    async def _renewed(self, name: str, step: asyncio.Future[object]) -> None:
        """Wait for the step, renewing the lease meanwhile; a step whose lease cannot be renewed is stopped."""
        try:
            while not step.done():
                await asyncio.wait({step}, timeout=BEAT_SECONDS)
                if not step.done():
                    await self._renew(name)
            await step
        finally:
            if step.cancel():
                await asyncio.gather(step, return_exceptions=True)

    async def _renew(self, name: str) -> None:
        async with asyncio.timeout(RENEW_SECONDS_MAX):
            if await self.desk.statement(lambda tx: tx.fetchval(RENEW, name, self.name, LEASE_SECONDS)) is None:
                raise LeaseLost


async def watch(tx: Tx, doors: Mapping[str, Door]) -> list[Row]:
    """name, age_seconds (since the door last came to its end; since it was installed when it never did), error."""
    return await tx.fetch(WATCH, sorted(doors))


async def run_forever(rounds: Rounds) -> None:
    """The thin shell around `step`."""
    try:
        while True:
            try:
                ran = await rounds.step()
            except Temporary as error:
                log.warning("periodic work waits for the database: %s", error)
                await rounds.desk.clock.sleep(min(error.retry_after_seconds, AWAY_SECONDS_MAX))
                continue
            if ran is None:
                await rounds.desk.clock.sleep(TICK_SECONDS)
    finally:
        await _leave(rounds)


async def _leave(rounds: Rounds) -> None:
    try:
        async with asyncio.timeout(LEAVE_SECONDS_MAX):
            await rounds.leave()
    except (Temporary, TimeoutError) as error:
        log.warning("a periodic door is left until its lease lapses: %s", error)
