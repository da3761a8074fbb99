"""The agenda: what happens when. One thing at a time, in one order: by time, then by when it was put down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from yingda.sim.clock import MICROS, SimClock

Action = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    at: int  # microseconds since 1970
    place: int  # no two are equal, so the actions are never compared
    action: Action
    name: str


class Agenda:
    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._entries: list[Entry] = []
        self._places = 0

    def after(self, seconds: float, action: Action, name: str) -> None:
        self.at(self._clock.micros + max(0, round(seconds * MICROS)), action, name)

    def at(self, micros: int, action: Action, name: str) -> None:
        self._places += 1
        heappush(self._entries, Entry(micros, self._places, action, name))

    def next(self) -> Entry:
        """Take the next entry and let the clock reach it. What the clock has passed already happens now."""
        entry = heappop(self._entries)
        self._clock.reach(entry.at)
        return entry

    def __bool__(self) -> bool:
        return bool(self._entries)
