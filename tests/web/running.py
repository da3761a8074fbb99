"""A desk that really runs: uvicorn on a free port, workers and rounds beside it, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import uvicorn
from litestar import Litestar
from tests.house import PASSWORD, WIDGET_KEY, Cast, Stage, stage

from yingda.commands.serve import background
from yingda.config import settings
from yingda.web.app import build_app

T = TypeVar("T")
START_SECONDS_MAX = 20


@dataclass
class RunningDesk:
    """`stage` reaches the desk's doors from the test; `run` runs a coroutine where the server runs."""

    url: str
    stage: Stage
    loop: asyncio.AbstractEventLoop
    app: Litestar
    widget_key: str = WIDGET_KEY
    password: str = PASSWORD
    requests: list[tuple[str, str]] = field(default_factory=list)  # (method, path) in order of arrival

    @property
    def cast(self) -> Cast:
        return self.stage.cast

    @property
    def streams(self) -> int:
        """Customers' event streams that are open now."""
        return self.stage.house.live.count

    def run(self, work: Awaitable[T], seconds: float = 20) -> T:
        async def bounded() -> T:
            return await asyncio.wait_for(work, seconds)

        return asyncio.run_coroutine_threadsafe(bounded(), self.loop).result(seconds + 5)

    def value(self, query: str, *args: object) -> object:
        """One value out of the database."""
        return self.run(self.stage.desk.read(lambda tx: tx.fetchval(query, *args)))


class _Recorder:
    """Notes what arrives, in front of the application."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app
        self.seen: list[tuple[str, str]] = []

    async def __call__(self, scope: dict, receive: object, send: object) -> None:
        if scope["type"] == "http":
            self.seen.append((scope["method"], scope["path"]))
        await self.app(scope, receive, send)


async def _serve(database_url: str, data: Path, ready: Callable[[object], None], stop: asyncio.Event) -> None:
    async with stage(database_url) as s:
        # One worker is enough, and the test database has few connections.
        wanted = settings({"data": str(data), "database": database_url, "port": "0"})
        app = build_app(s.house, demo_allowed=True)
        recorder = _Recorder(app)
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            recorder, log_config=None, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        async with background(s.house, wanted):
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:
                if serving.done():
                    serving.result()
                await asyncio.sleep(0.02)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            ready(RunningDesk(url, s, asyncio.get_running_loop(), app, requests=recorder.seen))
            await stop.wait()
            server.should_exit = True
            await serving
        listener.close()


@contextmanager
def running_desk(database_url: str, data: Path) -> Iterator[RunningDesk]:
    """A running desk with the cast of `tests.house`; everything is stopped at the end."""
    found: list[object] = []
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def ready(desk: object) -> None:
        found.append(desk)
        started.set()

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        await _serve(database_url, data, ready, stop)

    def in_thread() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # the test must hear of it
            found.append(error)
            started.set()

    thread = threading.Thread(target=in_thread, name="desk", daemon=True)
    thread.start()
    assert started.wait(START_SECONDS_MAX), "the desk did not start"
    if isinstance(found[0], BaseException):
        raise found[0]
    desk = found[0]
    assert isinstance(desk, RunningDesk)
    try:
        yield desk
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(15)
        assert not thread.is_alive(), "the desk did not stop"
        if len(found) > 1:
            raise found[1]  # type: ignore[misc]
