"""One zone's week: wall-clock intervals, holidays and exceptions, and the instants they stand for.

Rules are kept as local wall time and an IANA zone, never as an offset, so that every date uses the offset of its own day.
Instants here are integers: microseconds since 1970-01-01 UTC. Integers add without rounding and compare fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from yingda.conversations.calendar import DayKind, calendar_year

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # wall times are subtracted from it; their offset is taken off apart
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Interval:
    """Open from `start` to before `end`, both in minutes after midnight of the day it begins.

    `end` above 1,440 has crossed midnight. With `end_zone` the end is that wall time on the same calendar date in that zone.
    """

    start: int
    end: int
    end_zone: ZoneInfo | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Week:
    """The hours of one desk in one zone: `weekly[0]` is Monday; `exceptions` win over `calendar`, which wins over `weekly`."""

    zone: ZoneInfo
    weekly: tuple[tuple[Interval, ...], ...]
    calendar: str | None
    exceptions: Mapping[date, tuple[Interval, ...]]

    def on(self, day: date) -> tuple[Interval, ...]:
        """The intervals that begin on `day`. A day whose arrangement is not published counts as an ordinary one."""
        if day in self.exceptions:
            return self.exceptions[day]
        kind = calendar_year(self.calendar, day.year).kind(day) if self.calendar else DayKind.ORDINARY
        if kind is DayKind.HOLIDAY:
            return ()
        return self.weekly[0 if kind is DayKind.MAKE_UP else day.weekday()]

    def doubt_on(self, day: date) -> str | None:
        """Why it is not certain whether `day` is a holiday, an ordinary or a make-up day; None when it is certain."""
        if not self.calendar or day in self.exceptions:
            return None
        return calendar_year(self.calendar, day.year).doubt(day)

    def perhaps_on(self, day: date) -> tuple[Interval, ...]:
        """All that might be open on a doubtful day: its own weekday's hours, or Monday's were it a make-up day."""
        return self.weekly[day.weekday()] + self.weekly[0]

    def span(self, day: date, interval: Interval) -> tuple[int, int]:
        """Start and end instant of `interval` begun on `day`; end ≤ start when the clocks' change leaves nothing of it."""
        start = instant(day, interval.start, self.zone)
        return start, instant(day, interval.end, interval.end_zone or self.zone)


def instant(day: date, minute: int, zone: ZoneInfo) -> int:
    """The instant of a wall time, `minute` after midnight of `day` (more than 1,440: on the next days).

    A wall time that occurs twice is the first; one that does not exist becomes the first that does (PEP 495: with fold 0
    and 1 the offsets differ just in these two cases, falling for a repeated time and rising for a missing one).
    """
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)
    before, after = wall.utcoffset(), wall.replace(fold=1).utcoffset()
    assert before is not None and after is not None  # a ZoneInfo always has an offset
    naive = wall.replace(tzinfo=None) - NAIVE_EPOCH
    if before >= after:
        return (naive - before) // MICROSECOND
    return _end_of_gap((naive - after) // MICROSECOND, (naive - before) // MICROSECOND, before, zone)


def _end_of_gap(low: int, high: int, before: timedelta, zone: ZoneInfo) -> int:
    """The instant between `low` (old offset) and `high` (new offset) at which the clocks jump; transitions are whole seconds."""
    low, high = low // SECOND_US, high // SECOND_US
    while high - low > 1:
        middle = (low + high) // 2
        if (EPOCH + timedelta(seconds=middle)).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high * SECOND_US


def instant_of(at: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime."""
    return (at - EPOCH) // MICROSECOND


def datetime_of(at: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return EPOCH + timedelta(microseconds=at)
