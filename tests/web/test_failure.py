"""The database goes away, the disk fills up: refused before it is acknowledged, told honestly, and well again by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from tests.db import folder
from tests.web.api import Api, opened_api

from yingda.db.embedded import Server
from yingda.db.migrate import migrate
from yingda.insight.check import check, compare_ledger

BYTES_OF_DISK = 8 * 1024 * 1024
TABLES = ("lines", "events", "promises", "conversations", "customers", "handles")


@contextmanager
def own_server() -> Iterator[tuple[asyncio.Runner, Server, Path]]:
    """A server of this test's own, with fsync on, that may be stopped."""
    data = folder.new_folder()
    with asyncio.Runner() as runner:
        server = runner.run(folder.start(data))

        async def prepare() -> None:
            connection = await asyncpg.connect(server.url)
            await migrate(connection)
            await connection.close()

        runner.run(prepare())
        try:
            yield runner, server, data
        finally:
            runner.run(server.stop(adopted_too=True))
            folder.end(data)


def assert_told(answer: httpx.Response, code: str, language: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, code), answer.text
    assert answer.headers["retry-after"].isdigit() and int(answer.headers["retry-after"]) > 0
    assert any("\u4e00" <= c <= "\u9fff" for c in error["message"]) == (language == "zh-CN")


def assert_all_there(api: Api, acknowledged: list[tuple[str, str]]) -> None:
    async def whole(tx):
        return await check(tx, {}, await compare_ledger(tx, acknowledged))

    found = api.run(api.stage.desk.read(whole))
    assert found["ledger"] == {"acknowledged": len(acknowledged), "missing": 0, "doubled": 0}
    assert found["hashes"]["broken"] == 0


def test_without_a_database_it_says_503_and_with_it_goes_on_by_itself_and_nothing_is_lost():
    with own_server() as (runner, server, data), opened_api(server.url) as api:
        subject = api.somebody()
        token = api.token(subject)
        acknowledged = [(subject, f"m{i}") for i in range(5) if api.send(token, f"第 {i} 句", f"m{i}").status_code == 201]
        runner.run(server.stop())
        for language in ("zh-CN", "en"):
            assert_told(api.send(token, "在吗", "away", headers={"Accept-Language": language}), "database_away", language)
        assert_told(api.ask("GET", "lines", token), "database_away", "en")
        health = api.ask("GET", "/health")
        assert (health.status_code, health.json()["ok"]) == (503, False) and health.headers["retry-after"].isdigit()
        again = runner.run(folder.start(data))
        assert again.url == server.url
        answer = next(a for a in (api.send(token, "在吗", "away") for _ in range(3)) if a.status_code != 503)
        assert answer.status_code == 201
        assert_all_there(api, [*acknowledged, (subject, "away")])
        assert api.ask("GET", "/health").status_code in (200, 503)
        runner.run(again.stop())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes that really fills up."""
    disk = folder.new_folder()
    disk.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BYTES_OF_DISK}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk can be mounted by root only")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
    disk.rmdir()


def move_to(server: Server, disk: Path) -> None:
    """The tables of the heart stand on `disk` from now on."""
    place = disk / "tables"
    place.mkdir(mode=0o700)
    owner = server.data_dir.stat()
    os.chown(place, owner.st_uid, owner.st_gid)

    async def move() -> None:
        connection = await asyncpg.connect(urlsplit(server.superuser_url)._replace(path=urlsplit(server.url).path).geturl())
        await connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        for table in TABLES:
            await connection.execute(f"ALTER TABLE {table} SET TABLESPACE small")
        await connection.close()

    asyncio.run(move())


def test_a_full_disk_refuses_before_it_acknowledges_and_recovers(small_disk: Path):
    with own_server() as (_, server, _), opened_api(server.url) as api:
        move_to(server, small_disk)
        subject = api.somebody()
        token = api.token(subject)
        acknowledged = [(subject, "before")] if api.send(token, "before", "before").status_code == 201 else []
        with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
            while True:
                filler.write(bytes(4096))
        refused = None
        for i in range(200):
            api.clock.ahead_seconds += 2
            answer = api.send(token, "字" * 3000, f"m{i}", headers={"Accept-Language": "zh-CN"})
            if answer.status_code != 201:
                refused = (answer, f"m{i}")
                break
            acknowledged.append((subject, f"m{i}"))
        assert refused is not None, "the disk did not fill up"
        assert_told(refused[0], "disk_full", "zh-CN")
        assert_all_there(api, acknowledged)
        (small_disk / "filler").unlink()
        assert api.send(token, "字" * 3000, refused[1]).status_code == 201
        assert_all_there(api, [*acknowledged, (subject, refused[1])])
