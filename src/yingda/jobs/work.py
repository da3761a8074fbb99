"""Work: claim a batch under a lease, run it, delete it. What fails waits longer each time, then lies on the shelf for a person.

A job may run twice (its worker died after the work and before the delete): handlers are idempotent. A lease is renewed while
its worker lives; it lapses when the worker is gone, and the job is claimed again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from yingda.db.desk import Desk, Row, Tx
from yingda.db.wake import JOBS
from yingda.errors import Permanent, Refused, Temporary

BATCH = 20
LEASE_SECONDS = 60.0
BEAT_SECONDS = 20.0
ATTEMPTS_MAX = 12
BACKOFF_SECONDS_FIRST = 2.0
BACKOFF_SECONDS_MAX = 3600.0
JOB_SECONDS_MAX = 300.0
POLL_SECONDS = 1.0
ERROR_CHARACTERS_MAX = 300

log = logging.getLogger("yingda.jobs")
Handler = Callable[[Desk, dict[str, Any]], Awaitable[None]]

CLAIM = """
UPDATE jobs SET worker = $1, lease_until = desk_now() + make_interval(secs => $2), attempts = attempts + 1
 WHERE id IN (SELECT id FROM jobs WHERE worker IS NULL AND failed_at IS NULL AND run_at <= desk_now()
               ORDER BY run_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, args, attempts
"""
DONE = "DELETE FROM jobs WHERE id = ANY ($1) AND worker = $2"
BEAT = "UPDATE jobs SET lease_until = desk_now() + make_interval(secs => $2) WHERE worker = $1"
RETRY = """
UPDATE jobs SET worker = NULL, lease_until = NULL, run_at = desk_now() + make_interval(secs => $3), error = $4, attempts = $5
 WHERE id = $1 AND worker = $2
"""
SHELVE = "UPDATE jobs SET worker = NULL, lease_until = NULL, failed_at = desk_now(), error = $3 WHERE id = $1 AND worker = $2"
RELEASE = """
UPDATE jobs SET worker = NULL, lease_until = NULL
 WHERE id IN (SELECT id FROM jobs WHERE worker IS NOT NULL AND lease_until < desk_now()
               ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


class Later(Exception):
    """Raised by a handler that has to look again in `seconds`; counts as no attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = max(0.5, seconds)


@dataclass(frozen=True)
class Worker:
    """One lane of work. `name` is unique per lane and start, so a restarted process never speaks for its dead self."""

    desk: Desk
    handlers: Mapping[str, Handler]
    name: str
    limit: int = BATCH

    async def step(self) -> int:
        """Claim one batch and work it off. Returns how many were claimed."""
        jobs = await self.desk.statement(lambda tx: tx.fetch(CLAIM, self.name, LEASE_SECONDS, self.limit))
        jobs = sorted(jobs, key=lambda job: job["id"])
        done = [job["id"] for job in jobs if await self._run(job)]
        if done:
            await self.desk.statement(lambda tx: tx.execute(DONE, done, self.name))
        return len(jobs)

    async def beat(self) -> None:
        """Renew the leases this worker holds."""
        await self.desk.statement(lambda tx: tx.execute(BEAT, self.name, LEASE_SECONDS))

    async def _run(self, job: Row) -> bool:
        """Whether it is done. The job's edge: one of the two places with a catch-all, which records and shows."""
        handler = self.handlers.get(job["kind"])
        if handler is None:
            await self._shelve(job, "no handler for this kind of job")
            return False
        try:
            async with asyncio.timeout(JOB_SECONDS_MAX):
                await handler(self.desk, job["args"])
        except Later as later:
            await self._again(job, later.seconds, None, job["attempts"] - 1)
            return False
        except (Permanent, Refused) as error:
            await self._shelve(job, str(error))
            return False
        except Temporary as error:
            await self._again(job, self.backoff_seconds(job["attempts"]), str(error), job["attempts"])
            return False
        except Exception as error:
            log.exception("job %s of kind %s failed", job["id"], job["kind"])
            what = f"{type(error).__name__}: {error}"
            if job["attempts"] >= ATTEMPTS_MAX:
                await self._shelve(job, what)
            else:
                await self._again(job, self.backoff_seconds(job["attempts"]), what, job["attempts"])
            return False
        return True

    def backoff_seconds(self, attempts: int) -> float:
        """Doubling from 2 s to an hour, times 0.5 to 1.5, so that what failed together does not come back together."""
        return min(BACKOFF_SECONDS_FIRST * 2.0 ** min(attempts - 1, 20), BACKOFF_SECONDS_MAX) * self.desk.chance.uniform(0.5, 1.5)

    async def _again(self, job: Row, seconds: float, error: str | None, attempts: int) -> None:
        args = (job["id"], self.name, seconds, error and error[:ERROR_CHARACTERS_MAX], attempts)
        await self.desk.statement(lambda tx: tx.execute(RETRY, *args))

    async def _shelve(self, job: Row, error: str) -> None:
        log.error("job %s of kind %s is on the shelf: %s", job["id"], job["kind"], error)
        await self.desk.statement(lambda tx: tx.execute(SHELVE, job["id"], self.name, error[:ERROR_CHARACTERS_MAX]))


async def release_lapsed(tx: Tx) -> int:
    """Periodic: jobs whose worker is gone are free again. Returns how many."""
    freed = await tx.fetch(RELEASE)
    if freed:
        tx.woken.add(JOBS)
    return len(freed)


async def work_forever(worker: Worker, something: asyncio.Event) -> None:
    """The thin shell: step while there is work, else wait for a hint or POLL_SECONDS; renew leases beside it."""
    beating = asyncio.create_task(_beat_forever(worker), name=f"beat {worker.name}")
    try:
        while True:
            something.clear()
            try:
                claimed = await worker.step()
            except Temporary as error:
                log.warning("jobs wait for the database: %s", error)
                await worker.desk.clock.sleep(error.retry_after_seconds)
                continue
            if claimed < worker.limit:
                await _wait(something, POLL_SECONDS)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _beat_forever(worker: Worker) -> None:
    while True:
        await worker.desk.clock.sleep(BEAT_SECONDS)
        try:
            await worker.beat()
        except Temporary as error:
            log.warning("leases not renewed: %s", error)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
