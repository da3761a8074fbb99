"""Hints across processes: few, after the commit, and never the only way to hear of anything."""

from __future__ import annotations

import asyncio

import asyncpg
from tests.db import writers
from tests.db.folder import until
from tests.open_desk import open_desk
from tests.processes import Process

from yingda.db.desk import Desk
from yingda.db.wake import CHANNEL, TOPICS_PER_NOTIFY_MAX

# State idle: connected, and LISTEN has been answered.
LISTENERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'yingda wakes'
   AND state = 'idle' AND query <> ''
"""
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'yingda wakes'
"""


async def listening(desk: Desk, count: int) -> None:
    while await desk.read(lambda tx: tx.fetchval(LISTENERS)) < count:  # noqa: ASYNC110  another process sends no event
        await asyncio.sleep(0.02)


async def raw_listener(url: str, heard: list[str]) -> asyncpg.Connection:
    connection = await asyncpg.connect(url)
    await connection.add_listener(CHANNEL, lambda *notice: heard.append(notice[3]))
    return connection


def test_many_hints_reach_another_process_as_few_notifications(database_url):
    async def run() -> None:
        notices: list[str] = []
        async with open_desk(database_url) as desk:
            raw = await raw_listener(database_url, notices)
            desk.wakes.start(database_url, desk.clock, desk.chance)
            with Process(writers.hear_hints, database_url) as other:
                await listening(desk, 2)
                for number in range(1000):
                    desk.wakes.hint([str(number % 100)])
                    await asyncio.sleep(0)
                heard: set[str] = set()
                while len(heard) < 100:
                    heard.update(await asyncio.to_thread(other.hear))
                assert heard == {str(number) for number in range(100)}
                assert 1 <= len(notices) < 20, "a thousand hints, a handful of notifications"
            await desk.wakes.stop()
            await raw.close()

    asyncio.run(run())


def test_a_process_hears_itself_once_and_at_once(database_url):
    async def run() -> None:
        async with open_desk(database_url) as desk:
            heard: list[frozenset[str]] = []
            desk.wakes.listen(heard.append)
            desk.wakes.start(database_url, desk.clock, desk.chance)
            await listening(desk, 1)
            desk.wakes.hint(["7"])
            assert heard == [frozenset({"7"})]
            await asyncio.sleep(0.2)
            assert heard == [frozenset({"7"})], "its own notification is not heard again"
            await desk.wakes.stop()

    asyncio.run(run())


def test_a_notification_holds_as_many_of_the_longest_topics_as_it_may(database_url):
    async def run() -> None:
        notices: list[str] = []
        async with open_desk(database_url) as desk:
            raw = await raw_listener(database_url, notices)
            desk.wakes.start(database_url, desk.clock, desk.chance)
            await listening(desk, 1)
            longest = [str(2**63 - 1 - number) for number in range(TOPICS_PER_NOTIFY_MAX + 1)]
            desk.wakes.hint(longest)
            await until(lambda: len(notices) == 2)
            assert all(len(notice) < 8000 for notice in notices)
            await desk.wakes.stop()
            await raw.close()

    asyncio.run(run())


def test_a_process_whose_listening_connection_was_cut_listens_again_without_sending_anything(database_url):
    async def run() -> None:
        async with open_desk(database_url) as desk:
            heard: list[frozenset[str]] = []
            desk.wakes.listen(heard.append)
            desk.wakes.start(database_url, desk.clock, desk.chance)
            await listening(desk, 1)
            await desk.statement(lambda tx: tx.fetch(CUT))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(10):
                await listening(desk, 1)
            async with open_desk(database_url, size=1) as other:
                other.wakes.start(database_url, other.clock, other.chance)
                await listening(desk, 2)
                other.wakes.hint(["9"])
                await until(lambda: frozenset({"9"}) in heard)
                await other.wakes.stop()
            await desk.wakes.stop()

    asyncio.run(run())


def test_a_hint_that_could_not_be_sent_is_sent_when_the_connection_is_back(database_url):
    async def run() -> None:
        notices: list[str] = []
        async with open_desk(database_url) as desk:
            raw = await raw_listener(database_url, notices)
            desk.wakes.start(database_url, desk.clock, desk.chance)
            await listening(desk, 1)
            desk.wakes.hint(["1"])
            await desk.statement(lambda tx: tx.fetch(CUT))
            await until(lambda: any('"1"' in notice for notice in notices))
            await desk.wakes.stop()
            await raw.close()

    asyncio.run(run())
