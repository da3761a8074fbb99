"""Folders for servers whose plug may be pulled: fsync on, one per test, nothing left running afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from tests.db import server as postgres

from yingda.db import embedded, places, postmaster
from yingda.db.embedded import Server

STARTER = """
import asyncio, sys
from pathlib import Path
from yingda.db import embedded
async def main():
    server = await embedded.start(Path(sys.argv[1]), prefer=sys.argv[2] or None, say=lambda line: None)
    print(server.pid, server.adopted, flush=True)
    sys.stdin.read()
    await server.stop()
asyncio.run(main())
"""


def new_folder() -> Path:
    # Not pytest's own folder: it is root's and 0700, and what that means is the matter of one test, not of all.
    return Path(tempfile.mkdtemp(prefix=f"yingda-test-{os.getpid()}-"))


def end(folder: Path) -> None:
    """Cut off whatever runs on `folder` and delete everything."""
    cut_off(folder)
    postgres.delete(folder)


def cut_off(folder: Path) -> None:
    """End the server on `folder`, frozen or not, without asking the code under test."""
    place = places.prepare(folder)
    at = postmaster.running(place.cluster)
    if at:
        postmaster.send(at.pid, signal.SIGCONT)
        postmaster.send(at.pid, signal.SIGQUIT)
        while postmaster.is_server(at.pid, place.cluster):
            time.sleep(0.01)


async def start(folder: Path, said: list[str] | None = None, **wishes: Any) -> Server:
    wishes.setdefault("prefer", postgres.preferred())
    return await embedded.start(folder, say=([] if said is None else said).append, **wishes)


def starter(folder: Path, *, under: Sequence[str] = (), python: str = sys.executable, **options: Any) -> subprocess.Popen[str]:
    """A process that starts a server on `folder`, prints its number and whether it was adopted, and stops it at the
    end of its input. `under` is a program to run it under, with its options."""
    argv = [*under, python, "-c", STARTER, str(folder), postgres.preferred() or ""]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    return subprocess.Popen(argv, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)


async def ask(url: str, sql: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def until(true: Callable[[], bool]) -> None:
    """Wait for something outside our event loop, a minute at most."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  processes send no asyncio events
            await asyncio.sleep(0.02)


def servers_on(folder: Path) -> list[int]:
    """The postmasters whose command line names the cluster of `folder`: counted without the code under test."""
    where = str(places.prepare(folder).cluster)
    lines = ((process.pid, process.info["cmdline"] or [""]) for process in psutil.process_iter(["cmdline"]))
    return [pid for pid, words in lines if where in words and words[0].endswith("postgres")]
