"""Periodic doors: each runs somewhere, never twice at once, goes on after a crash, and is watched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.jobs import lanes
from tests.open_desk import HastyClock, let_pass, open_desk, rows, until_value
from tests.processes import Process

from yingda.db.desk import Desk
from yingda.errors import Temporary
from yingda.jobs import periodic
from yingda.jobs.periodic import Door, Rounds, install, run_forever, watch

TURNS = """
CREATE TABLE turns (number bigint GENERATED ALWAYS AS IDENTITY, door text, runner text,
                    began_at timestamptz DEFAULT clock_timestamp(), ended_at timestamptz)
"""
RENEWED = "SELECT coalesce(lease_until > desk_now() + make_interval(secs => $1), false) FROM periodic"
OVERLAPS = """
SELECT a.door, a.runner, b.runner FROM turns a JOIN turns b ON a.door = b.door AND a.number < b.number
 WHERE b.began_at < a.ended_at
"""


def on_desk(url: str, scene: Any, **wishes: Any) -> None:
    async def run() -> None:
        async with open_desk(url, **wishes) as desk:
            await desk.statement(lambda tx: tx.execute(TURNS))
            await scene(desk)

    asyncio.run(run())


def door(step: Callable[[Desk], Awaitable[object]], every_seconds: float = 60.0) -> dict[str, Door]:
    return {"sweep": Door("sweep", every_seconds, 5.0, step)}


async def nothing(desk: Desk) -> None: ...


async def put(desk: Desk, doors: dict[str, Door]) -> None:
    await desk.transaction(lambda tx: install(tx, list(doors.values())))


def test_a_door_never_runs_twice_at_once_with_four_runners(database_url):
    async def scene(desk: Desk) -> None:
        names = ["sweep", "leases", "forget"]
        await put(desk, {name: Door(name, 0.05, 5.0, nothing) for name in names})
        runners = [Process(lanes.run_doors, database_url, f"r{n}", names) for n in range(4)]
        for runner in runners:
            assert await asyncio.to_thread(runner.hear) == "up"
        await asyncio.sleep(2.0)
        for runner in runners:
            runner.kill()
        counts = dict(await rows(desk, "SELECT door, count(*) FROM turns GROUP BY 1"))
        assert sorted(counts) == sorted(names) and min(counts.values()) > 5
        assert len(await rows(desk, "SELECT DISTINCT runner FROM turns")) > 1
        assert await rows(desk, OVERLAPS) == []

    on_desk(database_url, scene)


def test_a_door_goes_on_elsewhere_when_its_runner_is_killed(database_url):
    async def scene(desk: Desk) -> None:
        doors = door(nothing)
        await put(desk, doors)
        with Process(lanes.hang_in_door, database_url, "dead") as process:
            assert await asyncio.to_thread(process.hear) == "hanging"
            process.kill()
        other = Rounds(desk, doors, "alive")
        assert await other.step() is None, "the lease still stands"
        await let_pass(desk, periodic.LEASE_SECONDS + 0.1)
        assert await other.step() == "sweep"
        assert await rows(desk, "SELECT worker, lease_until, ran_at IS NULL FROM periodic") == [(None, None, False)]

    on_desk(database_url, scene)


def test_a_long_step_keeps_its_lease_and_one_that_cannot_renew_it_is_stopped(database_url, monkeypatch):
    monkeypatch.setattr(periodic, "BEAT_SECONDS", 0.05)

    async def scene(desk: Desk) -> None:
        ended = []

        async def long(desk: Desk) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(True)

        doors = door(long)
        await put(desk, doors)
        running = asyncio.create_task(Rounds(desk, doors, "first").step())
        for _ in range(3):
            await until_value(desk, True, RENEWED, periodic.LEASE_SECONDS - 1)
            await let_pass(desk, periodic.LEASE_SECONDS * 2 / 3)
            assert await Rounds(desk, doors, "second").step() is None
        assert not ended
        await desk.statement(lambda tx: tx.execute("UPDATE periodic SET worker = 'second'"))
        assert await running == "sweep" and ended
        assert await rows(desk, "SELECT worker, ran_at, error FROM periodic") == [("second", None, None)], "not ours to write"

    on_desk(database_url, scene)


def test_a_door_that_is_late_runs_once_and_not_once_for_each_missed_time(database_url):
    async def scene(desk: Desk) -> None:
        ran = []

        async def step(desk: Desk) -> None:
            ran.append(1)

        doors = door(step)
        await put(desk, doors)
        rounds = Rounds(desk, doors, "r")
        assert await rounds.step() == "sweep"
        await let_pass(desk, 100 * 60.0)
        assert [await rounds.step() for _ in range(3)] == ["sweep", None, None]
        assert len(ran) == 2

    on_desk(database_url, scene)


def test_the_most_overdue_door_runs_first_and_one_that_nobody_has_is_left_alone(database_url):
    async def scene(desk: Desk) -> None:
        doors = {name: Door(name, every, 5.0, nothing) for name, every in (("a", 60.0), ("b", 30.0), ("other", 1.0))}
        await put(desk, doors)
        del doors["other"]
        rounds = Rounds(desk, doors, "r")
        assert [await rounds.step() for _ in range(3)] == ["a", "b", None]
        await let_pass(desk, 61.0)
        assert [await rounds.step() for _ in range(3)] == ["b", "a", None]

    on_desk(database_url, scene)


def test_a_changed_rhythm_is_taken_over_without_waiting_for_the_old_one(database_url):
    async def scene(desk: Desk) -> None:
        await put(desk, door(nothing, 86400.0))
        assert await Rounds(desk, door(nothing), "r").step() == "sweep"
        await put(desk, door(nothing, 86400.0))
        await let_pass(desk, 61.0)
        assert await Rounds(desk, door(nothing), "r").step() is None, "the same rhythm again moves nothing"
        await put(desk, door(nothing, 60.0))
        await let_pass(desk, 61.0)
        assert await Rounds(desk, door(nothing), "r").step() == "sweep"
        await put(desk, door(nothing, 86400.0))
        await let_pass(desk, 61.0)
        assert await Rounds(desk, door(nothing), "r").step() == "sweep", "what was due stays due"
        await let_pass(desk, 3600.0)
        assert await Rounds(desk, door(nothing), "r").step() is None

    on_desk(database_url, scene)


def test_a_failing_door_shows_its_error_and_its_age_until_it_comes_to_its_end(database_url):
    async def scene(desk: Desk) -> None:
        healthy = []

        async def step(desk: Desk) -> None:
            if not healthy:
                raise KeyError("zone")

        doors = door(step, 1.0)
        await put(desk, doors)
        rounds = Rounds(desk, doors, "r")
        for _ in range(3):
            await let_pass(desk, 100.0)
            assert await rounds.step() == "sweep"
        (seen,) = await desk.read(lambda tx: watch(tx, doors))
        assert seen["error"].startswith("KeyError in test_periodic.py:") and 300.0 <= seen["age_seconds"] < 330.0, (
            "it grows old though it never ran"
        )
        healthy.append(True)
        await let_pass(desk, 2.0)
        assert await rounds.step() == "sweep"
        (seen,) = await desk.read(lambda tx: watch(tx, doors))
        assert seen["error"] is None and seen["age_seconds"] < 30.0

    on_desk(database_url, scene)


def test_a_runner_that_lost_the_answer_to_its_claim_claims_again(database_url):
    class Lost:
        async def before(self, statement: str) -> None: ...

        async def after(self, statement: str) -> None:
            raise Temporary("database_away")

    async def scene(desk: Desk) -> None:
        ran = []

        async def step(desk: Desk) -> None:
            ran.append(1)

        doors = door(step)
        await put(desk, doors)
        rounds = Rounds(desk, doors, "r")
        desk.faults = Lost()
        try:
            await rounds.step()
        except Temporary:
            desk.faults = None
        assert not ran and await rows(desk, "SELECT worker FROM periodic") == [("r",)]
        assert await rounds.step() == "sweep" and ran

    on_desk(database_url, scene)


def test_a_runner_that_is_stopped_leaves_its_door_to_the_others(database_url):
    async def scene(desk: Desk) -> None:
        started = asyncio.Event()

        async def step(desk: Desk) -> None:
            started.set()
            await asyncio.Event().wait()

        doors = door(step)
        await put(desk, doors)
        running = asyncio.create_task(run_forever(Rounds(desk, doors, "first")))
        await started.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert await Rounds(desk, door(nothing), "second").step() == "sweep"

    on_desk(database_url, scene, clock=HastyClock())
