"""Checks on intervals while hours are read: which day an end in another zone falls on, and whether two intervals overlap.

A plain interval is checked in wall time: mapping wall time to instants keeps order, whatever the clocks do. An end in another
zone moves against the desk's own clock when only one of the two has changed, so such hours are laid out over sample years,
in which every pair of offsets that the two zones show today occurs on every weekday they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from yingda.conversations.opening import DAY_MINUTES, Interval, instant
from yingda.errors import Refused

SAMPLE_FIRST, SAMPLE_DAYS = date(2026, 1, 1), 2 * 365
ROLLED_DAYS_MAX = 3  # zones lie at most 26 hours apart

Laid = tuple[int, int, str]
"""Start, end, and the path of an interval; both in one unit, minutes of a week or instants."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An interval and the path where it stands in the data."""

    interval: Interval
    where: str


@cache
def sample_dates(weekday: int) -> tuple[date, ...]:
    """Every date with this weekday (Monday is 0) in the sample years."""
    days = (SAMPLE_FIRST + timedelta(days=n) for n in range(SAMPLE_DAYS))
    return tuple(day for day in days if day.weekday() == weekday)


def settle_end(start: int, end: int, zone: ZoneInfo, end_zone: ZoneInfo, dates: Iterable[date]) -> int | None:
    """`end` moved by whole days to the first calendar date, from the same one on, on which it lies after `start`.

    None when that is another day on some of `dates` than on others: nobody could say what was meant.
    """
    rolled = {
        next(
            days
            for days in range(ROLLED_DAYS_MAX + 1)
            if instant(day, end + days * DAY_MINUTES, end_zone) > instant(day, start, zone)
        )
        for day in dates
    }
    return end + rolled.pop() * DAY_MINUTES if len(rolled) == 1 else None


def refuse_weekly_overlap(weekly: Sequence[Sequence[Placed]], zone: ZoneInfo) -> None:
    """Refuse two intervals of a week that share a minute, those across midnight and across Sunday night too."""
    if any(placed.interval.end_zone for day in weekly for placed in day):
        days = [SAMPLE_FIRST + timedelta(days=n) for n in range(SAMPLE_DAYS)]
        _refuse_overlap([laid for day in days for laid in lay(weekly[day.weekday()], day, zone)])
        return
    _refuse_overlap(
        [
            (number * DAY_MINUTES + placed.interval.start, number * DAY_MINUTES + placed.interval.end, placed.where)
            for number in range(14)
            for placed in weekly[number % 7]
        ]
    )


def refuse_exception_overlap(exceptions: Iterable[tuple[date, Sequence[Placed]]], zone: ZoneInfo) -> None:
    """Refuse two exceptional intervals that share a minute. An exception may overlap the ordinary hours beside it: it wins."""
    _refuse_overlap([laid for day, intervals in exceptions for laid in lay(intervals, day, zone)])


def lay(intervals: Iterable[Placed], day: date, zone: ZoneInfo) -> list[Laid]:
    """The intervals begun on `day` as instants."""
    return [
        (instant(day, p.interval.start, zone), instant(day, p.interval.end, p.interval.end_zone or zone), p.where)
        for p in intervals
    ]


def _refuse_overlap(laid: list[Laid]) -> None:
    open_until, open_where = None, ""
    for start, end, where in sorted(laid):
        if open_until is not None and start < open_until:
            raise Refused("hours_overlap", where, detail=f"overlaps {open_where}")
        if open_until is None or end > open_until:
            open_until, open_where = end, where
