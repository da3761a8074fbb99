"""Work: jobs exist exactly when their cause does, each is done, and a worker that dies loses none."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import pytest
from tests.jobs import lanes
from tests.open_desk import HastyClock, let_pass, open_desk, rows, until_value
from tests.processes import Process

from yingda.db.desk import Desk
from yingda.errors import Temporary
from yingda.jobs import work
from yingda.jobs.work import Later, Worker, enqueue, release_lapsed, work_forever

JOBS = "SELECT kind, (args ->> 'number')::int, attempts, worker, failed_at IS NOT NULL FROM jobs ORDER BY id"

RENEWED = "SELECT lease_until > desk_now() + make_interval(secs => $1) FROM jobs"


def on_desk(url: str, scene: Any, **wishes: Any) -> Any:
    async def run() -> Any:
        async with open_desk(url, **wishes) as desk:
            await desk.statement(lambda tx: tx.execute("CREATE TABLE runs (number int)"))
            return await scene(desk)

    return asyncio.run(run())


async def enqueue_many(desk: Desk, count: int) -> None:
    async def all_of_them(tx: Any) -> None:
        await tx.execute("INSERT INTO jobs (kind, args) SELECT 'note', jsonb_build_object('number', n)"
                         " FROM generate_series(1, $1) n", count)  # fmt: skip

    await desk.transaction(all_of_them)


def test_a_job_is_enqueued_with_the_change_that_causes_it_or_not_at_all(database_url):
    async def scene(desk: Desk) -> None:
        async def change(tx, number: int, fails: bool) -> None:
            await tx.execute("INSERT INTO runs VALUES ($1)", number)
            await enqueue(tx, "note", {"number": number})
            if fails:
                raise RuntimeError("the change is refused")

        with pytest.raises(RuntimeError):
            await desk.transaction(lambda tx: change(tx, 1, True))
        await desk.transaction(lambda tx: change(tx, 2, False))
        assert await rows(desk, "SELECT number FROM runs") == [(2,)]
        assert await rows(desk, JOBS) == [("note", 2, 0, None, False)]

    on_desk(database_url, scene)


def test_four_processes_run_each_of_two_thousand_jobs_exactly_once(database_url):
    async def fill(desk: Desk) -> None:
        await enqueue_many(desk, 2000)

    async def count(desk: Desk) -> None:
        assert await rows(desk, "SELECT number, count(*) FROM runs GROUP BY 1 ORDER BY 1") == [(n, 1) for n in range(1, 2001)]
        assert await rows(desk, JOBS) == []

    on_desk(database_url, fill)
    workers = [Process(lanes.work_until_empty, database_url, f"w{n}") for n in range(4)]
    claimed = [worker.hear() for worker in workers]
    assert sum(claimed) == 2000
    assert sum(share > 0 for share in claimed) > 1, "more than one worked"

    async def after() -> None:
        async with open_desk(database_url) as desk:
            await count(desk)

    asyncio.run(after())


def test_a_batch_is_never_larger_than_asked_for(database_url):
    async def scene(desk: Desk) -> None:
        await enqueue_many(desk, 50)
        await desk.statement(lambda tx: tx.execute("ANALYZE jobs"))
        claimed = await desk.statement(lambda tx: tx.fetch(work.CLAIM, "w", 60.0, 20))
        assert [job["id"] for job in sorted(claimed, key=lambda j: j["id"])] == list(range(1, 21))

    on_desk(database_url, scene)


def test_jobs_of_a_killed_worker_are_free_when_its_lease_lapses(database_url):
    async def scene(desk: Desk) -> None:
        await enqueue_many(desk, 3)
        with Process(lanes.work_and_hang, database_url, "dead") as process:
            assert await asyncio.to_thread(process.hear) == "hanging"
            process.kill()
        worker = Worker(desk, {"note": lanes.note}, "alive")
        assert await desk.transaction(release_lapsed) == 0
        assert await worker.step() == 0, "the lease still stands"
        await let_pass(desk, work.LEASE_SECONDS + 1)
        assert await desk.transaction(release_lapsed) == 3
        assert await worker.step() == 3
        # The first was done before its worker died, and not yet deleted: it ran again, which handlers must bear.
        assert await rows(desk, "SELECT number, count(*) FROM runs GROUP BY 1 ORDER BY 1") == [(1, 2), (2, 1), (3, 1)]

    on_desk(database_url, scene)


def test_a_job_that_kills_its_workers_ends_on_the_shelf(database_url):
    async def scene(desk: Desk) -> None:
        await enqueue_many(desk, 1)
        for attempt in range(1, work.ATTEMPTS_MAX + 1):
            claimed = await desk.statement(lambda tx: tx.fetch(work.CLAIM, "dies", 60.0, 1))
            assert [job["attempts"] for job in claimed] == [attempt]
            await let_pass(desk, work.LEASE_SECONDS + 1)
            assert await desk.transaction(release_lapsed) == 1
        assert await rows(desk, JOBS) == [("note", 1, work.ATTEMPTS_MAX, None, True)]

    on_desk(database_url, scene)


def test_a_heartbeat_keeps_a_long_job(database_url):
    async def scene(desk: Desk) -> None:
        await enqueue_many(desk, 1)
        with Process(lanes.work_slowly, database_url, "slow") as process:
            assert await asyncio.to_thread(process.hear) == "working"
            for _ in range(4):  # four times two thirds of a lease
                await let_pass(desk, work.LEASE_SECONDS * 2 / 3)
                await until_value(desk, True, RENEWED, work.LEASE_SECONDS - 5)
                assert await desk.transaction(release_lapsed) == 0
            process.kill()
            await let_pass(desk, work.LEASE_SECONDS + 1)
            assert await desk.transaction(release_lapsed) == 1

    on_desk(database_url, scene)


def test_backoff_doubles_with_jitter_and_is_bounded(database_url):
    class Edges:
        def __init__(self, edge: str) -> None:
            self.edge = edge

        def uniform(self, low: float, high: float) -> float:
            return low if self.edge == "low" else high

    async def scene(desk: Desk) -> None:
        worker = Worker(desk, {}, "w")
        spread = [worker.backoff_seconds(3) for _ in range(200)]
        assert len(set(spread)) > 100 and all(4.0 <= s <= 12.0 for s in spread)
        for edge, factor in (("low", 0.5), ("high", 1.5)):
            desk.chance = Edges(edge)
            waits = [worker.backoff_seconds(attempts) for attempts in range(1, 60)]
            assert waits[:4] == [factor * s for s in (2, 4, 8, 16)]
            assert all(later >= earlier for earlier, later in itertools.pairwise(waits))
            assert max(waits) == factor * work.BACKOFF_SECONDS_MAX

    on_desk(database_url, scene)


def test_a_job_that_looks_again_later_counts_no_attempt(database_url):
    async def scene(desk: Desk) -> None:
        async def handler(desk: Desk, args: dict) -> None:
            raise Later(30.0)

        await enqueue_many(desk, 1)
        worker = Worker(desk, {"note": handler}, "w")
        for _ in range(2 * work.ATTEMPTS_MAX):
            assert await worker.step() == 1
            assert await rows(desk, JOBS) == [("note", 1, 0, None, False)]
            assert await worker.step() == 0, "not before its time"
            await let_pass(desk, 31.0)

    on_desk(database_url, scene)


def test_a_temporary_failure_is_tried_again_for_ever_and_says_why(database_url):
    async def scene(desk: Desk) -> None:
        async def handler(desk: Desk, args: dict) -> None:
            raise Temporary("provider_away", detail="HTTP 503")

        await enqueue_many(desk, 1)
        worker = Worker(desk, {"note": handler}, "w")
        for attempt in range(1, work.ATTEMPTS_MAX + 3):
            assert await worker.step() == 1
            assert await rows(desk, "SELECT attempts, error, failed_at FROM jobs") == [(attempt, "provider_away  HTTP 503", None)]
            assert await worker.step() == 0, "it waits first"
            await let_pass(desk, 1.5 * work.BACKOFF_SECONDS_MAX + 1)

    on_desk(database_url, scene)


def test_a_slow_job_does_not_hold_up_the_rest_of_its_batch(database_url, monkeypatch):
    monkeypatch.setattr(work, "BATCH_SECONDS_MAX", 0.05)

    async def scene(desk: Desk) -> None:
        async def handler(desk: Desk, args: dict) -> None:
            await asyncio.sleep(0.06 if args["number"] == 2 else 0)

        await enqueue_many(desk, 4)
        assert await Worker(desk, {"note": handler}, "w").step() == 4
        assert await rows(desk, JOBS) == [("note", 3, 0, None, False), ("note", 4, 0, None, False)]

    on_desk(database_url, scene)


def test_a_lane_that_is_stopped_gives_back_what_it_holds(database_url):
    async def scene(desk: Desk) -> None:
        started = asyncio.Event()

        async def handler(desk: Desk, args: dict) -> None:
            if args["number"] == 2:
                started.set()
                await asyncio.Event().wait()

        await enqueue_many(desk, 3)
        lane = asyncio.create_task(work_forever(Worker(desk, {"note": handler}, "w"), asyncio.Event()))
        await started.wait()
        lane.cancel()
        await asyncio.gather(lane, return_exceptions=True)
        assert await rows(desk, JOBS) == [("note", 2, 0, None, False), ("note", 3, 0, None, False)]

    on_desk(database_url, scene)


def test_what_a_broken_step_held_is_put_right_by_the_next_one(database_url):
    """The database went away between the work and its end: what was done is deleted, the rest is free again."""

    class Cut:
        on = True

        async def before(self, statement: str) -> None:
            if self.on and statement == work.SHELVE:
                raise Temporary("database_away")

        async def after(self, statement: str) -> None:
            if self.on and statement == work.CLAIM:
                raise Temporary("database_away")  # committed, and the answer was lost

    async def scene(desk: Desk) -> None:
        ran = []

        async def handler(desk: Desk, args: dict) -> None:
            ran.append(args["number"])

        await enqueue_many(desk, 3)
        desk.faults = Cut()
        worker = Worker(desk, {"note": handler}, "w")
        with pytest.raises(Temporary):
            await worker.step()
        assert {row[3] for row in await rows(desk, JOBS)} == {"w"}
        desk.faults.on = False
        assert await worker.step() == 3 and ran == [1, 2, 3]
        assert await rows(desk, JOBS) == []

        await enqueue_many(desk, 1)
        await desk.transaction(lambda tx: enqueue(tx, "nobody knows", {"number": 2}))
        desk.faults.on = True
        desk.faults.after = desk.faults.before
        with pytest.raises(Temporary):
            await worker.step()
        assert len(await rows(desk, JOBS)) == 2
        desk.faults = None
        await worker.step()
        assert ran == [1, 2, 3, 1], "what was done before the break is not done again"
        assert await rows(desk, JOBS) == [("nobody knows", 2, 1, None, True)]

    on_desk(database_url, scene)


def test_a_job_from_another_process_starts_at_its_hint_and_without_one_within_the_poll(database_url):
    async def scene(desk: Desk) -> None:
        with Process(lanes.work_on_hints, database_url, "w") as process:
            assert await asyncio.to_thread(process.hear) == 0
            desk.wakes.start(database_url, desk.clock, desk.chance)
            await asyncio.sleep(0.3)  # both ends of the hint are connected
            waits = []
            for number in (1, 2, 3):
                began = time.monotonic()
                await lanes.enqueue_one(desk, number)
                assert await asyncio.to_thread(process.hear) == number
                waits.append(time.monotonic() - began)
            assert min(waits) < work.POLL_SECONDS / 2, "a hint is faster than the poll"
            await desk.wakes.stop()
            began = time.monotonic()
            await lanes.enqueue_one(desk, 4)
            assert await asyncio.to_thread(process.hear) == 4
            assert time.monotonic() - began < work.POLL_SECONDS + 1.0

    on_desk(database_url, scene)


def test_a_lane_goes_on_when_the_database_was_away(database_url):
    async def scene(desk: Desk) -> None:
        done = asyncio.Event()

        async def handler(desk: Desk, args: dict) -> None:
            done.set()

        class Away:
            left = 3

            async def before(self, statement: str) -> None:
                if self.left:
                    self.left -= 1
                    raise Temporary("database_away")

            async def after(self, statement: str) -> None: ...

        desk.faults = Away()
        lane = asyncio.create_task(work_forever(Worker(desk, {"note": handler}, "w"), asyncio.Event()))
        await asyncio.sleep(0.3)
        assert not lane.done()
        await enqueue_many(desk, 1)
        async with asyncio.timeout(5):
            await done.wait()
        lane.cancel()
        await asyncio.gather(lane, return_exceptions=True)
        assert await rows(desk, JOBS) == []

    on_desk(database_url, scene, clock=HastyClock())
