"""The database goes away and comes back: everybody hears `Temporary` meanwhile, and the same pool goes on by itself."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.db.folder import start, until
from tests.open_desk import open_desk

from yingda.db.desk import Desk
from yingda.db.errors import translated
from yingda.errors import Temporary

ADD = "INSERT INTO notes VALUES ($1)"


async def add(desk: Desk, number: int) -> None:
    await desk.transaction(lambda tx: tx.execute(ADD, number))


async def write_until(desk: Desk, stop: asyncio.Event, told: list[int], heard: list[str], numbers) -> None:
    while not stop.is_set():
        number = next(numbers)
        try:
            await add(desk, number)
            told.append(number)
        except Temporary as error:
            heard.append(error.code)
            await asyncio.sleep(0.02)


def test_a_stopped_server_is_temporary_and_the_pool_goes_on_when_it_is_back(data: Path):
    async def scene() -> None:
        server = await start(data)
        async with open_desk(server.url) as desk:
            await desk.statement(lambda tx: tx.execute("CREATE TABLE IF NOT EXISTS notes (number int)"))
            await desk.statement(lambda tx: tx.execute("TRUNCATE notes"))
            await asyncio.gather(*(add(desk, number) for number in range(4)))
            await server.stop()
            for number in range(10, 14):
                with pytest.raises(Temporary, match="database_away"):
                    await add(desk, number)
            async with await start(data) as again:
                assert again.url == server.url
                await asyncio.gather(*(add(desk, number) for number in range(20, 24)))
                found = await desk.read(lambda tx: tx.fetch("SELECT number FROM notes ORDER BY 1"))
                assert [row["number"] for row in found] == [0, 1, 2, 3, 20, 21, 22, 23]

    asyncio.run(scene())


def test_a_server_killed_under_writers_is_heard_as_temporary_and_nothing_told_is_lost(data: Path):
    async def scene() -> None:
        told: list[int] = []
        heard: list[str] = []
        numbers = iter(range(10**9))
        async with await start(data) as server, asyncio.TaskGroup() as group:
            watch = group.create_task(server.watch())
            async with open_desk(server.url, size=8) as desk:
                await desk.statement(lambda tx: tx.execute("CREATE TABLE IF NOT EXISTS notes (number int)"))
                await desk.statement(lambda tx: tx.execute("TRUNCATE notes"))
                stop = asyncio.Event()
                writers = [asyncio.create_task(write_until(desk, stop, told, heard, numbers)) for _ in range(8)]
                for _ in range(2):
                    before, pid = len(told), server.pid
                    await until(lambda before=before: len(told) > before + 50)
                    os.kill(pid, signal.SIGKILL)
                    await until(lambda pid=pid: server.pid != pid)
                before = len(told)
                await until(lambda: len(told) > before + 50)
                stop.set()
                await asyncio.gather(*writers)  # a writer that heard anything but Temporary has failed
                found = [row["number"] for row in await desk.read(lambda tx: tx.fetch("SELECT number FROM notes"))]
            watch.cancel()
        assert set(heard) == {"database_away"}
        assert set(told) <= set(found) and len(found) == len(set(found))

    asyncio.run(scene())


def test_a_full_pool_says_busy_and_an_absent_server_says_away(database_url, monkeypatch):
    monkeypatch.setattr("yingda.db.desk.ACQUIRE_WAIT_SECONDS_MAX", 0.1)

    async def scene() -> None:
        async with open_desk(database_url, size=1) as desk:
            held = await desk.pool.acquire()
            with pytest.raises(Temporary, match="database_busy"):
                await desk.read(lambda tx: tx.fetchval("SELECT 1"))
            await desk.pool.release(held)
            assert await desk.read(lambda tx: tx.fetchval("SELECT 1")) == 1

    asyncio.run(scene())


def test_a_missing_socket_is_an_absent_database():
    with pytest.raises(Temporary, match="database_away"), translated():
        raise FileNotFoundError("no socket")
