"""The only door to time outside SQL (inside SQL it is `desk_now()`)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the desk needs of time. The simulator has its own, seeded and steppable."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock, corrected to the database's once `agree` has been called (see `Desk.sync_clock`)."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def agree(self, database_now: datetime) -> None:
        """Take over the database's time: one clock for all processes, so a machine with a wrong clock does no harm."""
        self._offset = database_now - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
