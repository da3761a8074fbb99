"""One real PostgreSQL for a whole test session, and a fresh database for every test, cloned from a migrated template.

`YINGDA_TEST_PG=wheel` or `system` picks the programs; without it the wheel's come first.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

import asyncpg
import psutil

from yingda.db import embedded, migrate, places
from yingda.db.embedded import Server

TEMPLATE = "template_migrated"
# The only servers without fsync: no test that uses them pulls the plug. Those that do start one of their own.
UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
_PREFIX = "yingda-test-"
_numbers = itertools.count(1)


def preferred() -> Literal["wheel", "system"] | None:
    """What `YINGDA_TEST_PG` asks for."""
    chosen = os.environ.get("YINGDA_TEST_PG") or None
    assert chosen in (None, "wheel", "system"), "YINGDA_TEST_PG is wheel or system"
    return cast(Literal["wheel", "system"] | None, chosen)


@contextlib.asynccontextmanager
async def shared_server() -> AsyncIterator[Server]:
    """A server on a temporary folder; stopped and deleted at the end."""
    await _sweep()
    data = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    server = await embedded.start(data, prefer=preferred(), extra_settings=UNSAFE_BUT_FAST, say=lambda line: None)
    try:
        yield server
    finally:
        await server.stop(adopted_too=True)
        delete(data)


async def migrated_template(server: Server) -> str:
    """The name of a database with every migration and no rows, to be cloned and never to be written to."""
    connection = await asyncpg.connect(await fresh_database(server, None, TEMPLATE))
    try:
        await migrate.migrate(connection)
    finally:
        await connection.close()
    return TEMPLATE


async def fresh_database(server: Server, template: str | None, name: str | None = None) -> str:
    """The URL of a new database, a copy of `template` (empty if None). Nobody may be connected to the template."""
    name = name or f"test_{os.getpid()}_{next(_numbers)}"
    await _execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
    return urlsplit(server.url)._replace(path=f"/{name}").geturl()


async def drop_database(server: Server, url: str) -> None:
    """Drop the database of `url`, and whoever is still in it. Only a superuser may end the server's own vacuum there."""
    await _execute(server.superuser_url, f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")


def delete(data: Path) -> None:
    """Remove a stopped server's data for good, wherever it really lies."""
    place = places.prepare(data)
    for folder in (place.sockets, place.home, data):
        shutil.rmtree(folder, ignore_errors=True)


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def _sweep() -> None:
    """Stop and delete the servers of sessions that were killed, which is why a folder's name says whose it is."""
    for data in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = re.match(rf"{_PREFIX}(\d+)-", data.name)
        if owner and data.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(owner[1])):
            # Whatever state it was left in must not fail this session.
            with contextlib.suppress(Exception):
                left = await embedded.start(data, say=lambda line: None)
                await left.stop(adopted_too=True)
            with contextlib.suppress(Exception):
                delete(data)
            shutil.rmtree(data, ignore_errors=True)
