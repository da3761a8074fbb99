"""Work: claim a batch under a lease, run it, delete it. What fails waits longer each time, then lies on the shelf for a person.

A job may run twice (its worker died after the work and before the delete): handlers are idempotent. A lease is renewed while
its worker lives; it lapses when the worker is gone, and the job is claimed again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yingda.db.desk import Desk, Row, Tx
from yingda.db.wake import JOBS
from yingda.errors import Permanent, Refused, Temporary
from yingda.jobs.edge import ERROR_CHARACTERS_MAX, shown, traced

BATCH = 20
BATCH_SECONDS_MAX = 5.0
LEASE_SECONDS = 60.0
BEAT_SECONDS = 20.0
ATTEMPTS_MAX = 12
BACKOFF_SECONDS_FIRST = 2.0
BACKOFF_SECONDS_MAX = 3600.0
JOB_SECONDS_MAX = 300.0
POLL_SECONDS = 1.0
GIVE_BACK_SECONDS_MAX = 2.0

log = logging.getLogger("yingda.jobs")
Handler = Callable[[Desk, dict[str, Any]], Awaitable[None]]

ENQUEUE = "INSERT INTO jobs (kind, args, run_at) VALUES ($1, $2, coalesce($3, desk_now())) RETURNING id"
# ARRAY(…) is evaluated once. As a join, the choice may run again for each row and claim more than it should.
CLAIM = """
UPDATE jobs SET worker = $1, lease_until = desk_now() + make_interval(secs => $2), attempts = attempts + 1
 WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE worker IS NULL AND failed_at IS NULL AND run_at <= desk_now()
                        ORDER BY run_at, id LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING id, kind, args, attempts
"""
DONE = "DELETE FROM jobs WHERE id = ANY ($1) AND worker = $2"
BEAT = "UPDATE jobs SET lease_until = desk_now() + make_interval(secs => $2) WHERE worker = $1"
GIVE_BACK = "UPDATE jobs SET worker = NULL, lease_until = NULL, attempts = attempts - 1 WHERE worker = $1"
RETRY = """
UPDATE jobs SET worker = NULL, lease_until = NULL, run_at = desk_now() + make_interval(secs => $3), error = $4, attempts = $5
 WHERE id = $1 AND worker = $2
"""
SHELVE = "UPDATE jobs SET worker = NULL, lease_until = NULL, failed_at = desk_now(), error = $3 WHERE id = $1 AND worker = $2"
# A job that outlived its worker as often as a job may fail is perhaps what killed it.
RELEASE = """
UPDATE jobs SET worker = NULL, lease_until = NULL,
       failed_at = CASE WHEN attempts >= $1 THEN desk_now() END,
       error = CASE WHEN attempts >= $1 THEN 'its worker died or hung' ELSE error END
 WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE worker IS NOT NULL AND lease_until < desk_now()
                        ORDER BY lease_until, id LIMIT 500 FOR UPDATE SKIP LOCKED))
RETURNING failed_at IS NULL AS free
"""


async def enqueue(tx: Tx, kind: str, args: dict[str, Any], run_at: datetime | None = None) -> int:
    """Write one job on the caller's transaction, so that it exists exactly when its cause does. Returns its id.

    `args` are JSON and hold ids, never words. What always follows a fact belongs into `wiring.FOLLOWS` instead.
    """
    tx.woken.add(JOBS)
    return await tx.fetchval(ENQUEUE, kind, args, run_at)  # type: ignore[no-any-return]


class Later(Exception):
    """Raised by a handler that has to look again in `seconds`; counts as no attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = max(0.5, seconds)


@dataclass
class Worker:
    """One lane of work. `name` is unique per lane and start, so a restarted process never speaks for its dead self."""

    desk: Desk
    handlers: Mapping[str, Handler]
    name: str
    limit: int = BATCH
    _done: list[int] = field(default_factory=list, init=False)  # worked off, not yet deleted
    _astray: bool = field(default=False, init=False)  # the last step broke off: something may still be held

    async def step(self) -> int:
        """Claim one batch and work it off. Returns how many were claimed. Raises `Temporary` when the database is away.

        What a full batch has done is deleted by the next step, which is why `step` is called until it claims less.
        """
        if self._astray:
            await self.give_back()
        self._astray = True
        jobs = await self.desk.statement(self._claim)
        if jobs:
            await self._work_off(sorted(jobs, key=lambda job: job["id"]))
        if len(jobs) < self.limit:
            await self._delete_done()  # nothing more waits, so there is no next claim to do it on the way
        self._astray = False
        return len(jobs)

    async def _claim(self, tx: Tx) -> list[Row]:
        """Two statements, each its own transaction, on one connection: the end of the last batch and the start of this one."""
        if self._done:
            await tx.execute(DONE, self._done, self.name)
            self._done = []
        return await tx.fetch(CLAIM, self.name, LEASE_SECONDS, self.limit)

    async def _work_off(self, jobs: list[Row]) -> None:
        """One after the other. A slow job must not hold up the rest of its batch: that is given back, other lanes are free."""
        clock = self.desk.clock
        until = clock.monotonic() + BATCH_SECONDS_MAX
        left = deque(jobs)
        job = left[0]
        try:
            # One timer for the batch, since one for each job costs more than a small job: no job begins after `until`.
            async with asyncio.timeout(BATCH_SECONDS_MAX + JOB_SECONDS_MAX):
                while left and clock.monotonic() <= until:
                    job = left.popleft()
                    if await self._run(job):
                        self._done.append(job["id"])
        except TimeoutError as error:
            await self._failed(job, error)
        if left:
            await self.give_back()

    async def beat(self) -> None:
        """Renew the leases this worker holds."""
        await self.desk.statement(lambda tx: tx.execute(BEAT, self.name, LEASE_SECONDS))

    async def give_back(self) -> None:
        """What is done is deleted; what else this worker holds is free again, as if it had not been claimed.

        After a step that broke off it is not known what is held: a claim may have been committed without our hearing of it.
        """
        await self._delete_done()
        await self.desk.statement(lambda tx: tx.execute(GIVE_BACK, self.name))

    async def _delete_done(self) -> None:
        if self._done:
            await self.desk.statement(lambda tx: tx.execute(DONE, self._done, self.name))
            self._done = []

    async def _run(self, job: Row) -> bool:
        """Whether it is done. The job's edge: one of the two places with a catch-all, which records and shows."""
        handler = self.handlers.get(job["kind"])
        if handler is None:
            await self._shelve(job, "no handler for this kind of job")
            return False
        try:
            await handler(self.desk, job["args"])
        except Later as later:
            await self._again(job, later.seconds, None, job["attempts"] - 1)
        except (Permanent, Refused) as error:
            await self._shelve(job, str(error))
        except Temporary as error:
            await self._again(job, self.backoff_seconds(job["attempts"]), str(error), job["attempts"])
        except Exception as error:
            await self._failed(job, error)
        else:
            return True
        return False

    async def _failed(self, job: Row, error: Exception) -> None:
        log.error("job %s of kind %s failed: %s", job["id"], job["kind"], traced(error))
        if job["attempts"] >= ATTEMPTS_MAX:
            await self._shelve(job, shown(error))
        else:
            await self._again(job, self.backoff_seconds(job["attempts"]), shown(error), job["attempts"])

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
    """Periodic: jobs whose worker is gone are free again (on the shelf when that happened too often). Returns how many."""
    released = await tx.fetch(RELEASE, ATTEMPTS_MAX)
    if any(row["free"] for row in released):
        tx.woken.add(JOBS)
    return len(released)


async def work_forever(worker: Worker, something: asyncio.Event) -> None:
    """The thin shell: step while there is work, else wait for a hint or POLL_SECONDS; renew leases beside it.

    Ended from outside, it gives back what it holds, so that another process need not wait for the lease to lapse.
    """
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(_beat_forever(worker), name=f"beat {worker.name}")
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
            await _leave(worker)


async def _leave(worker: Worker) -> None:
    try:
        async with asyncio.timeout(GIVE_BACK_SECONDS_MAX):
            await worker.give_back()
    except (Temporary, TimeoutError) as error:
        log.warning("jobs are left until their leases lapse: %s", error)


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
