"""The open time of one UTC year as sorted, disjoint pieces, with running totals so that a due time is two bisections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from yingda.conversations.opening import Interval, Week, instant_of

# An interval belongs to the day it begins; one begun so many local days before the year may reach into it: 14 hours of zone,
# a day of length, and three days that an end in another zone can lie ahead.
DAYS_BEFORE, DAYS_AFTER = 5, 2


@dataclass(frozen=True, eq=False, slots=True)
class Year:
    """Instants as in `opening`. `totals[i]` is the open time from the year's start to `ends[i]`.

    `doubt_*` are the stretches that are open or closed depending on what a calendar will yet say, and why.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    totals: tuple[int, ...]
    doubt_starts: tuple[int, ...]
    doubt_ends: tuple[int, ...]
    doubt_reasons: tuple[str, ...]


def build_year(weeks: Iterable[Week], year: int) -> Year:
    """Expand every week over one UTC year. Pieces that overlap (follow the sun) or touch become one."""
    low, high = (instant_of(datetime(y, 1, 1, tzinfo=UTC)) for y in (year, year + 1))
    first = date(year, 1, 1) - timedelta(days=DAYS_BEFORE)
    days = [first + timedelta(days=n) for n in range(366 + DAYS_BEFORE + DAYS_AFTER)]
    pieces: list[tuple[int, int, str]] = []
    doubts: list[tuple[int, int, str]] = []
    for week in weeks:
        for day in days:
            pieces += _clipped(week, day, week.on(day), "", (low, high))
            reason = week.doubt_on(day)
            if reason:
                doubts += _clipped(week, day, week.perhaps_on(day), reason, (low, high))
    starts, ends, _ = _columns(pieces)
    totals = tuple(accumulate(end - start for start, end in zip(starts, ends, strict=True)))
    return Year(starts, ends, totals, *_columns(doubts))


def _clipped(
    week: Week, day: date, intervals: tuple[Interval, ...], reason: str, bounds: tuple[int, int]
) -> list[tuple[int, int, str]]:
    spans = (week.span(day, interval) for interval in intervals)
    clipped = ((max(start, bounds[0]), min(end, bounds[1]), reason) for start, end in spans)
    return [piece for piece in clipped if piece[0] < piece[1]]


def _columns(pieces: list[tuple[int, int, str]]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[str, ...]]:
    """Merge what overlaps or touches; the first reason stands for the whole."""
    merged: list[tuple[int, int, str]] = []
    for start, end, reason in sorted(pieces):
        if merged and start <= merged[-1][1]:
            begun, until, why = merged[-1]
            merged[-1] = (begun, max(until, end), why)
        else:
            merged.append((start, end, reason))
    return tuple(p[0] for p in merged), tuple(p[1] for p in merged), tuple(p[2] for p in merged)
