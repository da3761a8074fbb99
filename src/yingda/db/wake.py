"""Hints that something moved. Live events are rows; a hint only says "look now", and readers also look by themselves.

`NOTIFY` inside a transaction takes a global lock at commit and costs nine tenths of the throughput, so hints are gathered
after commits and sent by a connection of their own, at most one every HINT_WAIT_SECONDS.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import asyncpg

from yingda.chance import Chance
from yingda.clock import Clock

CHANNEL = "yingda"
HINT_WAIT_SECONDS = 0.02
RECONNECT_WAIT_SECONDS = 2.0
TOPICS_PER_NOTIFY_MAX = 350  # a payload holds less than 8000 bytes; a topic is a number of at most 19 digits, quoted
JOBS = "jobs"

Listener = Callable[[frozenset[str]], None]


class Wakes:
    """Local listeners hear at once; other processes within HINT_WAIT_SECONDS once `start` runs."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._pending: set[str] = set()
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._origin = ""

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def hint(self, topics: Iterable[str]) -> None:
        news = frozenset(topics)
        if not news:
            return
        self.tell(news)
        if self._tasks:
            self._pending |= news
            self._something.set()

    def start(self, url: str, clock: Clock, chance: Chance) -> None:
        """Join the other processes. `url` must be a direct connection: through a transaction pooler LISTEN breaks."""
        self._origin = chance.token(6)
        self._tasks = [asyncio.create_task(self._keep(url, clock), name="wakes")]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def tell(self, topics: frozenset[str]) -> None:
        """To the listeners of this process only."""
        for listener in self._listeners:
            listener(topics)

    async def _keep(self, url: str, clock: Clock) -> None:
        """A hint lost while the connection is away does no harm: readers look by themselves."""
        while True:
            try:
                connection = await asyncpg.connect(url, timeout=10, server_settings={"application_name": "yingda wakes"})
                try:
                    # Who only listens would never notice that nothing can be heard any more.
                    connection.add_termination_listener(lambda _: self._something.set())
                    await connection.add_listener(CHANNEL, self._heard)
                    await self._send(connection, clock)
                finally:
                    await connection.close(timeout=2)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError):
                await clock.sleep(RECONNECT_WAIT_SECONDS)

    async def _send(self, connection: Any, clock: Clock) -> None:
        if self._pending:
            self._something.set()  # left over from a connection that broke
        while True:
            await self._something.wait()
            await clock.sleep(HINT_WAIT_SECONDS)
            self._something.clear()
            if connection.is_closed():
                raise asyncpg.ConnectionDoesNotExistError("the listening connection was cut")
            while self._pending:
                await self._notify(connection, sorted(self._pending)[:TOPICS_PER_NOTIFY_MAX])

    async def _notify(self, connection: Any, topics: list[str]) -> None:
        self._pending.difference_update(topics)  # before it is sent: what is hinted at meanwhile is news
        try:
            payload = json.dumps([self._origin, *topics], separators=(",", ":"))
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
        except BaseException:
            self._pending.update(topics)
            raise

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        origin, *topics = json.loads(str(payload))
        if origin != self._origin:
            self.tell(frozenset(topics))
