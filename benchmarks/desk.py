"""A desk to measure: embedded PostgreSQL with fsync on, `yingda serve` in a process of its own, the bare handler beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from yingda.db import embedded
from yingda.db.embedded import Server


@dataclass
class Measured:
    data: Path
    server: Server
    url: str  # of the database
    port: int
    demo: dict
    process: subprocess.Popen


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@asynccontextmanager
async def running_desk(settings: dict[str, str] | None = None) -> AsyncIterator[Measured]:
    """The desk on a temporary folder; everything is stopped and removed at the end."""
    data = Path(tempfile.mkdtemp(prefix="yingda-bench-"))
    server = await embedded.start(data, extra_settings=settings or {})
    port = free_port()
    process = subprocess.Popen(  # noqa: ASYNC220  started once, before anything is measured
                               [sys.executable, "-m", "yingda", "serve", "--demo", "--data", str(data), "--port", str(port)],
                               stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": "src"})  # fmt: skip
    try:
        await wait_for(f"http://127.0.0.1:{port}/health")
        yield Measured(data, server, server.url, port, json.loads((data / "demo.json").read_text()), process)
    finally:
        process.terminate()
        process.wait(20)
        await server.stop()
        for folder in (server.data_dir.parent, data):
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def bare_server(measured: Measured) -> AsyncIterator[int]:
    """The bare handler's port; its table stands in the same database."""
    port = free_port()
    process = subprocess.Popen(  # noqa: ASYNC220  started once, before anything is measured
                               [sys.executable, "-m", "benchmarks.bare", str(port)],
                               env={**os.environ, "BARE_DATABASE": measured.url, "PYTHONPATH": "src"})  # fmt: skip
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


async def wait_for(url: str, seconds: float = 60.0) -> None:
    for _ in range(int(seconds / 0.1)):
        with contextlib.suppress(OSError):
            await asyncio.to_thread(urllib.request.urlopen, url, None, 2)
            return
        await asyncio.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


async def connect(measured: Measured) -> asyncpg.Connection:
    return await asyncpg.connect(measured.url)
