"""Simulated time: it moves when the agenda says so, and nothing waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from yingda.db.event import EPOCH, micros

MICROS = 1_000_000


class SimClock:
    """A `Clock` in whole microseconds, as the database stores them, so that both know the same instants."""

    def __init__(self, start: datetime) -> None:
        self.micros = self._start = micros(start)

    def reach(self, at: int) -> None:
        """Go on to an instant in microseconds since 1970; never back."""
        self.micros = max(self.micros, at)

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.micros)

    def monotonic(self) -> float:
        return (self.micros - self._start) / MICROS

    async def sleep(self, seconds: float) -> None:
        self.micros += max(0, round(seconds * MICROS))
