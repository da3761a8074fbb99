"""News for the console: which conversations moved. One stream per browser; a page that hears of news reads rows.

A hint that got lost is made up for by the process's slow look at rows (`Live.look`), which is told here as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from yingda.clock import Clock
from yingda.db.wake import Wakes

HERE_SECONDS = 15.0
LIFE_SECONDS = 600.0  # then the browser comes back, and whether it is still signed in is asked anew
GATHER_SECONDS = 1.0  # under load a page refreshes once a second, not once a message
TOPICS_MAX = 200
# An event without data is not dispatched by browsers.
QUEUE = "event: queue\ndata: all\n\n"
# A comment would not reach the page, and a connection that looks open proves nothing.
HERE = "event: here\ndata: yes\n\n"
LOOK = "event: conversation\ndata: all\n\n" + QUEUE


class _Reader:
    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.news = asyncio.Event()


class DeskNews:
    """Everything that moves in this process and, by the hints, in the others. One per application."""

    def __init__(self, wakes: Wakes, clock: Clock) -> None:
        self._clock = clock
        self._readers: set[_Reader] = set()
        wakes.listen(self._hear)

    @property
    def count(self) -> int:
        """Open streams."""
        return len(self._readers)

    def _hear(self, topics: frozenset[str]) -> None:
        numbers = {topic for topic in topics if topic.isdigit()}
        if not numbers:
            return
        for reader in self._readers:
            reader.topics |= numbers
            reader.news.set()

    @contextmanager
    def _reading(self) -> Iterator[_Reader]:
        reader = _Reader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def stream(self) -> AsyncIterator[str]:
        """`text/event-stream` parts: `queue` (lists may have changed), `conversation` with a number, `here`."""
        with self._reading() as reader:
            yield "retry: 2000\n" + LOOK
            begun = self._clock.monotonic()
            while self._clock.monotonic() - begun < LIFE_SECONDS:
                try:
                    await asyncio.wait_for(reader.news.wait(), HERE_SECONDS)
                except TimeoutError:
                    yield HERE
                    continue
                topics, reader.topics = reader.topics, set()
                reader.news.clear()
                yield _news(topics)
                await self._clock.sleep(GATHER_SECONDS)


def _news(topics: set[str]) -> str:
    """Beyond TOPICS_MAX naming each is worth less than the bytes."""
    if len(topics) > TOPICS_MAX:
        return LOOK
    return "".join(f"event: conversation\ndata: {number}\n\n" for number in sorted(topics)) + QUEUE
