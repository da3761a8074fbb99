"""The plug is pulled: what was acknowledged is there afterwards, and the server comes back by itself."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.db.folder import ask, servers_on, start, until

from yingda.db import launch
from yingda.db.embedded import Server

# The last is what asyncpg raises when the connection breaks between two of its own states.
LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def write(url: str, writer: int, acknowledged: list[int]) -> None:
    """Insert one row per commit for ever; a row counts when the database has said yes. Reconnects when cut off."""
    number = 0
    while True:
        with suppress(*LOST):
            connection = await asyncpg.connect(url, timeout=2)
            try:
                while True:
                    number += 1
                    row = number * 100 + writer
                    await connection.execute("INSERT INTO rows VALUES ($1)", row)
                    acknowledged.append(row)
            finally:
                connection.terminate()
        await asyncio.sleep(0.02)


async def kill_again_and_again(folder: Path, kills: int) -> tuple[int, int, int]:
    """(rows acknowledged, of these missing, rows doubled) after `kills` of the watched server under eight writers."""
    acknowledged: list[int] = []
    async with await start(folder) as server:
        await ask(server.url, "CREATE TABLE IF NOT EXISTS rows (row bigint)")
        await ask(server.url, "TRUNCATE rows")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(server.watch())]
            tasks += [group.create_task(write(server.url, writer, acknowledged)) for writer in range(8)]
            for _ in range(kills):
                before = len(acknowledged)
                await until(lambda before=before: len(acknowledged) > before + 50)
                await asyncio.sleep(random.uniform(0, 0.2))
                await kill(server)
            for task in tasks:
                task.cancel()
        connection = await asyncpg.connect(server.url)
        rows = [row["row"] for row in await connection.fetch("SELECT row FROM rows")]
        await connection.close()
    return len(acknowledged), len(set(acknowledged) - set(rows)), len(rows) - len(set(rows))


async def kill(server: Server) -> None:
    pid = server.pid
    os.kill(pid, signal.SIGKILL)
    await until(lambda: server.pid != pid)


def gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


def test_no_acknowledged_row_is_lost_when_the_server_is_killed(data: Path) -> None:
    acknowledged, missing, doubled = asyncio.run(kill_again_and_again(data, 4))
    assert acknowledged > 200
    assert (missing, doubled) == (0, 0)
    assert servers_on(data) == []


@pytest.mark.slow
def test_no_acknowledged_row_is_lost_over_many_kills(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yingda.db.embedded.RESTART_WAIT_SECONDS_MAX", 0.2)
    acknowledged, missing, doubled = asyncio.run(kill_again_and_again(data, 40))
    assert acknowledged > 2000
    assert (missing, doubled) == (0, 0)


def test_a_busy_child_of_a_killed_server_does_not_keep_the_next_from_starting(data: Path) -> None:
    """Such a child notices the death only when it next waits, which one that computes does not do for hours."""

    async def restart() -> None:
        async with await start(data) as server:
            client = await asyncpg.connect(server.url)
            child = client.get_server_pid()
            busy = asyncio.create_task(client.execute("SELECT count(*) FROM generate_series(1, 1000000000)"))
            await until(lambda: psutil.Process(child).cpu_times().user > 0.1)
            os.kill(server.pid, signal.SIGKILL)
            async with asyncio.timeout(20), await start(data) as again:
                assert not again.adopted and gone(child)
            with suppress(*LOST):
                await busy
            client.terminate()

    asyncio.run(restart())


def test_two_watchers_of_one_server_bring_back_one(data: Path) -> None:
    async def restart() -> None:
        async with await start(data) as first, await start(data) as second, asyncio.TaskGroup() as group:
            watches = [group.create_task(first.watch()), group.create_task(second.watch())]
            pid = first.pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda: first.pid != pid and second.pid != pid)
            assert first.pid == second.pid and servers_on(data) == [first.pid]
            assert sorted((first.adopted, second.adopted)) == [False, True]
            assert await ask(second.url, "SELECT 1") == 1
            for watch in watches:
                watch.cancel()

    asyncio.run(restart())


def test_a_watcher_says_why_a_start_fails_and_succeeds_when_the_cause_is_gone(data: Path) -> None:
    said: list[str] = []

    async def recover() -> None:
        async with await start(data, said) as server, asyncio.TaskGroup() as group:
            watch = group.create_task(server.watch())
            hidden = server.data_dir.with_name("hidden")
            version = server.data_dir / "PG_VERSION"
            version.rename(hidden)
            pid = server.pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda: any("does not start" in line for line in said))
            hidden.rename(version)
            await until(lambda: server.pid != pid and server.alive())
            assert await ask(server.url, "SELECT 1") == 1
            watch.cancel()

    asyncio.run(recover())


def test_recovery_is_waited_for_with_progress(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "PROGRESS_SECONDS", 0.0)
    said: list[str] = []

    async def recover() -> None:
        server = await start(data)
        await ask(server.url, "CREATE TABLE heap AS SELECT g, repeat('x', 200) FROM generate_series(1, 200000) g")
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not server.alive())
        async with await start(data, said) as again:
            assert await ask(again.url, "SELECT count(*) FROM heap") == 200000
            await ask(again.url, "DROP TABLE heap")

    asyncio.run(recover())
    assert any("is starting, recovering or stopping" in line for line in said)
