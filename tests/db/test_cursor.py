"""Reading across conversations loses nothing, whatever order transactions commit in. The obvious way loses rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.db import writers
from tests.open_desk import open_desk, rows
from tests.processes import Process

from yingda.db.cursor import READ_MAX, Cursor, events_since
from yingda.db.desk import Desk
from yingda.db.event import Fact

WRITERS = 8
Read = Callable[[Desk], Awaitable[list[Any]]]


class ByCursor:
    def __init__(self) -> None:
        self.cursor = Cursor()

    async def __call__(self, desk: Desk) -> list[Any]:
        found, self.cursor = await desk.read(lambda tx: events_since(tx, self.cursor))
        return found


class ById:
    """What everybody writes first."""

    def __init__(self) -> None:
        self.last = 0

    async def __call__(self, desk: Desk) -> list[Any]:
        found = await desk.read(lambda tx: tx.fetch("SELECT * FROM events WHERE id > $1 ORDER BY id LIMIT 500", self.last))
        self.last = found[-1]["id"] if found else self.last
        return found


def read_beside_writers(url: str, read: Read, seconds: float) -> tuple[list[Any], list[Any]]:
    """(events as the reader met them, events that are there) with real processes writing meanwhile."""

    async def run() -> tuple[list[Any], list[Any]]:
        seen: list[Any] = []
        async with open_desk(url) as desk:
            await writers.make_conversations(desk, WRITERS)
            processes = [Process(writers.append_events, url, number + 1, seconds) for number in range(WRITERS)]
            ended = 0
            while ended < WRITERS:
                seen += await read(desk)
                ended += sum(process.heard().count("done") for process in processes)
            while found := await read(desk):
                seen += found
            there = await desk.read(lambda tx: tx.fetch("SELECT conversation_id, seq, id FROM events"))
        return seen, list(there)

    return asyncio.run(run())


def places(events: list[Any]) -> list[tuple[int, int]]:
    return [(event["conversation_id"], event["seq"]) for event in events]


def assert_nothing_lost(seen: list[Any], there: list[Any]) -> None:
    assert len(there) > 500
    assert sorted(places(seen)) == sorted(places(there)), "each exactly once"
    for conversation in range(1, WRITERS + 1):
        seqs = [seq for which, seq in places(seen) if which == conversation]
        assert seqs == list(range(1, len(seqs) + 1)), "each conversation in its order"


def test_the_cursor_loses_nothing_beside_eight_writers(database_url):
    assert_nothing_lost(*read_beside_writers(database_url, ByCursor(), 2.5))


@pytest.mark.slow
def test_the_cursor_loses_nothing_over_a_long_time(database_url):
    assert_nothing_lost(*read_beside_writers(database_url, ByCursor(), 30.0))


@pytest.mark.slow
def test_a_reader_by_number_loses_events_so_the_test_above_can_fail(database_url):
    seen, there = read_beside_writers(database_url, ById(), 10.0)
    assert set(places(seen)) < set(places(there))


def test_an_open_transaction_holds_back_what_is_newer_and_nothing_is_skipped(database_url):
    async def run() -> None:
        async with open_desk(database_url) as desk:
            await writers.make_conversations(desk, 2)
            recorded, go_on = asyncio.Event(), asyncio.Event()

            async def slow(tx) -> None:
                await tx.record(1, Fact("noted", "desk", {}))
                recorded.set()
                await go_on.wait()

            slowly = asyncio.create_task(desk.transaction(slow))
            await recorded.wait()
            await desk.transaction(lambda tx: tx.record(2, Fact("noted", "desk", {})))
            read = ByCursor()
            assert await read(desk) == []
            go_on.set()
            await slowly
            assert places(await read(desk)) == [(1, 1), (2, 1)]
            assert await read(desk) == []

    asyncio.run(run())


def test_transactions_are_read_in_the_order_of_their_numbers_and_not_of_their_digits(database_url):
    async def run() -> None:
        async with open_desk(database_url) as desk:
            await writers.make_conversations(desk, 1)
            await desk.statement(
                lambda tx: tx.execute(
                    "INSERT INTO events (conversation_id, seq, xid, at, kind, body, hash)"
                    " SELECT 1, seq, (ARRAY['9', '10', '99', '100'])[seq]::xid8, desk_now(), 'noted', '', ''"
                    " FROM generate_series(1, 4) AS seq"
                )
            )
            cursor, seen = Cursor(), []
            while True:
                found, cursor = await desk.read(lambda tx, c=cursor: events_since(tx, c, 1))
                if not found:
                    break
                seen += places(found)
            assert seen == [(1, 1), (1, 2), (1, 3), (1, 4)]

    asyncio.run(run())


def test_a_reader_pages_through_more_than_it_may_read_at_once(database_url):
    async def run() -> None:
        async with open_desk(database_url) as desk:
            await writers.make_conversations(desk, 1)

            async def many(tx) -> None:  # one transaction: the page ends inside it
                for _ in range(READ_MAX + 7):
                    await tx.record(1, Fact("noted", "desk", {}))

            await desk.transaction(many)
            read = ByCursor()
            assert [len(await read(desk)) for _ in range(3)] == [READ_MAX, 7, 0]

    asyncio.run(run())


def test_the_cursor_reads_along_its_index(database_url):
    async def run() -> None:
        async with open_desk(database_url) as desk:
            await writers.make_conversations(desk, 1)

            async def many(tx) -> None:
                for _ in range(300):
                    await tx.record(1, Fact("noted", "desk", {}))

            for _ in range(4):
                await desk.transaction(many)
            await desk.statement(lambda tx: tx.execute("ANALYZE events"))
            end = Cursor(
                *(await rows(desk, "SELECT xid::text::bigint, id - 5 FROM events ORDER BY xid DESC, id DESC LIMIT 1"))[0]
            )
            from yingda.db import cursor as owner  # the statement itself, for its plan

            explained = "EXPLAIN (ANALYZE, FORMAT JSON) " + owner.EVENTS_SINCE
            ((plan,),) = await rows(desk, explained, str(end.xid), end.id, READ_MAX)
            text = str(plan)
            assert "events_cursor" in text and "'Rows Removed by Filter'" not in text and "Seq Scan" not in text

    asyncio.run(run())
