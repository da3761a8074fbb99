"""The database door: what commits, what is tried again, and what the caller hears when it cannot be done."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from tests.open_desk import HastyClock, open_desk, rows

from yingda.db import desk as door
from yingda.db.desk import RETRIES_MAX, Desk, Tx
from yingda.errors import Temporary

ADD = "INSERT INTO notes VALUES ($1)"
FAIL = "DO $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '40001'; END $$"
DEADLOCK = "DO $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '40P01'; END $$"


class Seen:
    """Counts the statements that reach the database."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    async def before(self, statement: str) -> None:
        self.statements.append(statement)

    async def after(self, statement: str) -> None: ...


def on_desk(url: str, scene: Any, **wishes: Any) -> None:
    async def run() -> None:
        async with open_desk(url, **{"clock": HastyClock(), **wishes}) as desk:
            await desk.statement(lambda tx: tx.execute("CREATE TABLE notes (number int PRIMARY KEY DEFERRABLE)"))
            await scene(desk)

    asyncio.run(run())


async def numbers(desk: Desk) -> list[int]:
    return [number for (number,) in await rows(desk, "SELECT number FROM notes ORDER BY 1")]


@pytest.mark.parametrize("failure", [FAIL, DEADLOCK], ids=["serialisation", "deadlock"])
def test_what_loses_a_race_is_tried_three_times_again_and_then_is_temporary(database_url, failure):
    async def scene(desk: Desk) -> None:
        desk.faults = seen = Seen()

        async def work(tx: Tx) -> None:
            await tx.execute(ADD, 1)
            await tx.execute(failure)

        with pytest.raises(Temporary, match="database_busy"):
            await desk.transaction(work)
        attempts = 1 + RETRIES_MAX
        assert attempts == 4
        assert seen.statements == ["BEGIN", ADD, failure] * attempts
        assert await numbers(desk) == []

    on_desk(database_url, scene)


def test_an_attempt_that_wins_is_the_only_one_that_leaves_anything(database_url):
    async def scene(desk: Desk) -> None:
        attempts = []

        async def work(tx: Tx) -> int:
            attempts.append(len(attempts))
            await tx.execute(ADD, len(attempts))
            if len(attempts) < 3:
                await tx.execute(FAIL)
            return len(attempts)

        woken: list[frozenset[str]] = []
        desk.wakes.listen(woken.append)

        async def heard(tx: Tx) -> int:
            tx.wake(7)
            return await work(tx)

        assert await desk.transaction(heard) == 3
        assert await numbers(desk) == [3]
        assert woken == [frozenset({"7"})], "one hint, after the commit"

    on_desk(database_url, scene)


def test_two_that_lock_each_other_out_both_come_to_their_end(database_url):
    async def scene(desk: Desk) -> None:
        await desk.statement(lambda tx: tx.execute("INSERT INTO notes VALUES (10), (20)"))
        met = asyncio.Barrier(2)
        attempts = []

        async def work(tx: Tx, first: int, second: int) -> None:
            attempts.append(first)
            await tx.execute("UPDATE notes SET number = number + 1 WHERE number / 10 = $1", first)
            if len(attempts) <= 2:
                await met.wait()
            await tx.execute("UPDATE notes SET number = number + 1 WHERE number / 10 = $1", second)

        await asyncio.gather(*(desk.transaction(lambda tx, o=order: work(tx, *o)) for order in ((1, 2), (2, 1))))
        assert len(attempts) == 3, "a deadlock, and the loser again"
        assert await numbers(desk) == [12, 22]

    on_desk(database_url, scene)


def test_two_that_read_and_write_the_same_under_one_snapshot_do_not_lose_a_write(database_url):
    async def scene(desk: Desk) -> None:
        await desk.statement(lambda tx: tx.execute(ADD, 0))

        async def work(tx: Tx) -> None:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            number = await tx.fetchval("SELECT number FROM notes")
            await tx.execute("UPDATE notes SET number = $1", number + 1)

        await asyncio.gather(*(desk.transaction(work) for _ in range(3)))
        assert await numbers(desk) == [3]

    on_desk(database_url, scene)


def test_who_waits_too_long_for_a_lock_hears_that_the_database_is_busy(database_url, monkeypatch):
    assert door.SERVING_LIMITS["lock_timeout"] == "2s"
    monkeypatch.setitem(door.SERVING_LIMITS, "lock_timeout", "100ms")

    async def scene(desk: Desk) -> None:
        holder = await asyncpg.connect(database_url)
        await holder.execute("BEGIN; LOCK notes")
        with pytest.raises(Temporary, match="database_busy"):
            await desk.transaction(lambda tx: tx.execute(ADD, 1))
        with pytest.raises(Temporary, match="database_busy"):
            await desk.statement(lambda tx: tx.execute(ADD, 1))
        await holder.close()
        await desk.transaction(lambda tx: tx.execute(ADD, 2))
        assert await numbers(desk) == [2]

    on_desk(database_url, scene)


def test_a_statement_that_takes_too_long_is_cut_off(database_url, monkeypatch):
    assert door.SERVING_LIMITS["statement_timeout"] == "5s"
    monkeypatch.setitem(door.SERVING_LIMITS, "statement_timeout", "100ms")

    async def scene(desk: Desk) -> None:
        with pytest.raises(Temporary, match="database_busy"):
            await desk.read(lambda tx: tx.fetch("SELECT pg_sleep(10)"))
        assert await numbers(desk) == []

    on_desk(database_url, scene)


def test_who_idles_in_a_transaction_is_cut_off_and_holds_nothing(database_url, monkeypatch):
    assert door.SERVING_LIMITS["idle_in_transaction_session_timeout"] == "5s"
    monkeypatch.setitem(door.SERVING_LIMITS, "idle_in_transaction_session_timeout", "100ms")

    async def scene(desk: Desk) -> None:
        async def idle(tx: Tx) -> None:
            await tx.execute("LOCK notes")
            await asyncio.sleep(0.5)
            await tx.execute(ADD, 1)

        idling = asyncio.create_task(desk.transaction(idle))
        await asyncio.sleep(0.3)
        await desk.transaction(lambda tx: tx.execute(ADD, 2))
        with pytest.raises(Temporary):
            await idling
        assert await numbers(desk) == [2]

    on_desk(database_url, scene)


def test_every_serving_connection_carries_the_limits(database_url):
    async def scene(desk: Desk) -> None:
        for name, value in door.SERVING_LIMITS.items():
            shown = await desk.read(lambda tx, n=name: tx.fetchval("SELECT current_setting($1)", n))
            assert shown.lower() == value.lower()

    on_desk(database_url, scene)


def test_a_transaction_whose_work_swallowed_a_failure_is_never_reported_as_done(database_url):
    """PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK and no error: a silent success."""

    async def scene(desk: Desk) -> None:
        await desk.statement(lambda tx: tx.execute(ADD, 1))

        async def swallows(tx: Tx) -> None:
            await tx.execute(ADD, 2)
            try:
                await tx.execute("SELECT 1 / 0")
            except asyncpg.DivisionByZeroError:
                return

        with pytest.raises(AssertionError, match="not committed"):
            await desk.transaction(swallows)
        assert await numbers(desk) == [1]

    on_desk(database_url, scene)


def test_work_that_is_cancelled_leaves_nothing_and_frees_its_connection(database_url):
    async def scene(desk: Desk) -> None:
        async def slow(tx: Tx) -> None:
            await tx.execute(ADD, 1)
            await tx.execute("SELECT pg_sleep(60)")

        for _ in range(8):  # twice the pool
            task = asyncio.create_task(desk.transaction(slow))
            await asyncio.sleep(0.03)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await desk.transaction(lambda tx: tx.execute(ADD, 2))
        assert await numbers(desk) == [2]

    on_desk(database_url, scene, size=4)


def test_a_failure_at_the_commit_is_the_callers_failure(database_url):
    """A constraint that is checked at the commit: nothing is told as done that was not."""

    async def scene(desk: Desk) -> None:
        await desk.statement(lambda tx: tx.execute("ALTER TABLE notes ADD UNIQUE (number) DEFERRABLE INITIALLY DEFERRED"))
        await desk.statement(lambda tx: tx.execute("ALTER TABLE notes DROP CONSTRAINT notes_pkey"))

        async def twice(tx: Tx) -> None:
            await tx.execute(ADD, 1)
            await tx.execute(ADD, 1)

        with pytest.raises(asyncpg.UniqueViolationError):
            await desk.transaction(twice)
        assert await numbers(desk) == []

    on_desk(database_url, scene)


@pytest.mark.parametrize("statement, args", [("SELECT $1::int", ("word",)), ("SELECT $1::int", (2**40,)), ("SELECT $1::int", ())],
                         ids=["a word", "too large", "missing"])  # fmt: skip
def test_a_value_that_does_not_fit_is_a_mistake_and_not_an_absent_database(database_url, statement, args):
    async def scene(desk: Desk) -> None:
        with pytest.raises((asyncpg.DataError, asyncpg.InterfaceError)):
            await desk.read(lambda tx: tx.fetchval(statement, *args))

    on_desk(database_url, scene)
