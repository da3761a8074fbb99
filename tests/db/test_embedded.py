"""The embedded server: one per folder, whoever starts it and however; and it says what is wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.db.folder import ask, servers_on, start, starter, until

from yingda.db import cluster, embedded, launch, places
from yingda.db.embedded import Server


def test_a_server_starts_keeps_its_rows_and_starts_again(empty: Path) -> None:
    async def twice() -> None:
        async with await start(empty) as server:
            await ask(server.url, "CREATE TABLE kept AS SELECT 7 AS it")
            assert not server.adopted and server.alive()
        assert not server.alive() and servers_on(empty) == []
        async with await start(empty) as again:
            assert again.url == server.url and again.version == server.version
            assert await ask(again.url, "SELECT it FROM kept") == 7

    asyncio.run(twice())


def test_it_is_durable_private_and_listens_on_no_network(data: Path) -> None:
    async def look() -> Server:
        async with await start(data) as server:
            for name, value in {
                "fsync": "on",
                "synchronous_commit": "on",
                "full_page_writes": "on",
                "listen_addresses": "",
                "data_checksums": "on",
                "server_encoding": "UTF8",
                "lc_collate" if server.version < 16 else "lc_messages": "C",
            }.items():
                assert await ask(server.url, f"SHOW {name}") == value, name
            assert await ask(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
            assert await ask(server.url, "SELECT 'B' < 'a' COLLATE \"default\" AND lower('Ä') = 'ä'") is True
            assert psutil.Process(server.pid).net_connections("inet") == []
            assert psutil.Process(server.pid).uids().real != 0
            with pytest.raises(asyncpg.InvalidPasswordError):
                await ask(server.url.replace("yingda:", "yingda:x"), "SELECT 1")
        return server

    server = asyncio.run(look())
    place = places.prepare(data)
    assert stat.S_IMODE((place.home / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(place.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    assert len(os.fsencode(place.sockets / ".s.PGSQL.65535")) <= 107


def test_neither_words_nor_keys_of_a_failed_statement_reach_the_log(data: Path) -> None:
    async def fail() -> None:
        async with await start(data) as server:
            connection = await asyncpg.connect(server.url)
            await connection.execute("CREATE TEMP TABLE once (words text PRIMARY KEY); INSERT INTO once VALUES ('abandon zebra')")
            for sql in ("INSERT INTO once VALUES ('abandon zebra')", "SELECT 'abandon zebra'::int", "abandon zebra"):
                with pytest.raises(asyncpg.PostgresError):
                    await connection.execute(sql)
            await connection.close()

    asyncio.run(fail())
    assert "ready to accept connections" in places.prepare(data).log.read_text()
    assert "zebra" not in places.prepare(data).log.read_text()


def test_tcp_is_opened_on_loopback_only_when_asked(data: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def look() -> None:
        async with await start(data, tcp_port=port) as server:
            assert {c.laddr for c in psutil.Process(server.pid).net_connections("inet")} == {("127.0.0.1", port)}
            assert f"port={port}" in server.url and await ask(server.url, "SELECT 1") == 1
            adopted = await start(data)
            assert adopted.url == server.url

    asyncio.run(look())


def test_a_running_server_is_adopted_and_not_stopped_by_its_adopter(data: Path) -> None:
    async def adopt() -> None:
        async with await start(data) as server:
            async with await start(data) as adopted:
                assert adopted.adopted and adopted.pid == server.pid and adopted.url == server.url
                assert embedded.database_url(data) == server.url
            assert server.alive() and await ask(server.url, "SELECT 1") == 1

    asyncio.run(adopt())
    assert embedded.database_url(data) is None


def test_processes_that_start_at_the_same_moment_share_one_server(data: Path) -> None:
    starters = [starter(data) for _ in range(4)]
    try:
        answers = [one.stdout.readline().split() for one in starters if one.stdout]
        assert len({pid for pid, _ in answers}) == 1
        assert sorted(adopted for _, adopted in answers) == ["False", "True", "True", "True"]
        assert len(servers_on(data)) == 1
    finally:
        for one in starters:
            one.communicate("")
    assert servers_on(data) == []


def test_the_server_of_a_killed_process_is_adopted(data: Path) -> None:
    with starter(data) as killed:
        assert killed.stdout
        pid = int(killed.stdout.readline().split()[0])
        killed.kill()

    async def adopt() -> None:
        server = await start(data)
        assert server.adopted and server.pid == pid and await ask(server.url, "SELECT 1") == 1
        await server.stop()
        assert server.alive(), "an adopted server is left to itself"
        await server.stop(adopted_too=True)
        assert servers_on(data) == []

    asyncio.run(adopt())


def test_a_process_killed_while_it_makes_the_data_leaves_no_half_of_it(empty: Path) -> None:
    for seconds in (0.5, 0.8, 1.1):
        with starter(empty) as killed:
            try:
                killed.wait(seconds)
            except subprocess.TimeoutExpired:
                killed.kill()

    async def finish() -> None:
        server = await start(empty)
        assert await ask(server.url, "SELECT 1") == 1
        await server.stop(adopted_too=True)

    asyncio.run(finish())


def test_a_frozen_server_is_waited_for_with_progress_and_then_adopted(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "PROGRESS_SECONDS", 0.05)
    monkeypatch.setattr("yingda.db.readiness.CONNECT_SECONDS_MAX", 0.1)
    said: list[str] = []

    async def thaw() -> None:
        async with await start(data) as server:
            os.kill(server.pid, signal.SIGSTOP)
            waiting = asyncio.create_task(start(data, said))
            await until(lambda: len(said) >= 2)
            os.kill(server.pid, signal.SIGCONT)
            adopted = await waiting
            assert adopted.pid == server.pid

    asyncio.run(thaw())
    assert all("waiting on" in line for line in said)


def test_a_stop_finds_its_end_while_a_client_is_inside(data: Path) -> None:
    async def stop() -> None:
        server = await start(data)
        client = await asyncpg.connect(server.url)
        await client.execute("BEGIN; CREATE TABLE open_still ()")
        await server.stop()
        assert not server.alive()
        client.terminate()

    asyncio.run(stop())


def test_a_cancelled_start_leaves_no_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yingda.db.readiness.ensure_database", lambda *_: asyncio.sleep(60))

    async def cancel() -> None:
        task = asyncio.create_task(start(data))
        await until(lambda: bool(servers_on(data)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert servers_on(data) == []


def test_the_log_is_cut_in_place_and_its_text_moved_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "LOG_BYTES_MAX", 100)
    log = tmp_path / "postgres.log"
    with log.open("ab") as writer:
        writer.write(b"a" * 101)
        writer.flush()
        cluster.limit_log(log)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "postgres.log.1").read_bytes() == b"a" * 101
