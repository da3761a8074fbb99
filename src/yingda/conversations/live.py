"""Live: who waits for news of which conversation. A hint wakes them; they read rows; and they look by themselves slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from yingda.db.cursor import READ_MAX, Cursor, events_since
from yingda.db.desk import Desk
from yingda.db.wake import Wakes

# Everything that was still open when this process began to look is read by it, and nothing older.
HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"


class Live:
    """Readers waiting in this process, by conversation. One Event for each reader."""

    def __init__(self, wakes: Wakes) -> None:
        self._readers: dict[str, set[asyncio.Event]] = {}
        self._cursor: Cursor | None = None
        wakes.listen(self._hear)

    @contextmanager
    def watching(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the conversation may have moved; the reader clears it before it reads."""
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
        """The slow look at rows: whatever moved since the last one is told again, hint or no hint, here and to the console.

        It reads events by the cursor that loses none across conversations, so it costs what happened, not what is open.
        """
        if self._cursor is None:
            self._cursor = Cursor(int(await desk.read(lambda tx: tx.fetchval(HORIZON))), 0)
        while True:
            cursor = self._cursor
            rows, self._cursor = await desk.read(lambda tx, c=cursor: events_since(tx, c))  # type: ignore[misc]
            desk.wakes.tell(frozenset(str(row["conversation_id"]) for row in rows))
            if len(rows) < READ_MAX:
                return

    def _hear(self, topics: frozenset[str]) -> None:
        for topic in topics:
            for event in self._readers.get(topic, ()):
                event.set()
