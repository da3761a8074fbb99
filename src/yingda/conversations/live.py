"""Live: who waits for news of which conversation. A hint wakes them; they read rows; and they look by themselves slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from yingda.db.desk import Desk
from yingda.db.wake import Wakes

ALL = "*"  # staff lists: any conversation
STANDS = "SELECT id, seq FROM conversations WHERE id = ANY ($1) ORDER BY id"


class Live:
    """Readers waiting in this process, by conversation. One Event for each reader."""

    def __init__(self, wakes: Wakes) -> None:
        self._readers: dict[str, set[asyncio.Event]] = {}
        self._stands: dict[int, int] = {}
        wakes.listen(self._hear)

    @contextmanager
    def watching(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the conversation (or ALL) may have moved; the reader clears it before it reads."""
        event = asyncio.Event()
        self._readers.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            readers = self._readers[topic]
            readers.discard(event)
            if not readers:
                del self._readers[topic]

    def watchers(self, topic: str) -> int:
        return len(self._readers.get(topic, ()))

    @property
    def count(self) -> int:
        return sum(len(readers) for readers in self._readers.values())

    async def look(self, desk: Desk) -> None:
        """The slow look at rows, one query for all readers: whoever stands behind is woken, hint or no hint."""
        numbers = sorted(int(topic) for topic in self._readers if topic != ALL)
        rows = await desk.read(lambda tx: tx.fetch(STANDS, numbers))
        moved = {str(row["id"]) for row in rows if self._stands.get(row["id"], 0) != row["seq"]}
        self._stands = {row["id"]: row["seq"] for row in rows}
        if moved:
            self._hear(frozenset(moved))

    def wake_all(self) -> None:
        for readers in self._readers.values():
            for event in readers:
                event.set()

    def _hear(self, topics: frozenset[str]) -> None:
        for topic in (*topics, ALL):
            for event in self._readers.get(topic, ()):
                event.set()
