"""The open time of one UTC year as sorted, disjoint pieces, with running totals so that a due time is two bisections."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from yingda.conversations.opening import Interval, Week, instant_of

# An interval belongs to the day it begins; one begun so many local days before the year may reach into it: 14 hours of zone,
# a day of length, and three days that an end in another zone can lie ahead.
DAYS_BEFORE, DAYS_AFTER = 5, 2

Piece = tuple[int, int, str]
"""Start and end instant, and the reason for a doubt or an empty string."""


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
    certain: list[Piece] = []
    ordinary: list[Piece] = []
    perhaps: list[Piece] = []
    for week in weeks:
        for day in days:
            reason = week.doubt_on(day)
            (ordinary if reason else certain).extend(_clipped(week, day, week.on(day), "", (low, high)))
            if reason:
                perhaps += _clipped(week, day, week.perhaps_on(day), reason, (low, high))
    pieces = _merged(certain + ordinary)
    doubts = _without(_merged(perhaps), _merged(certain)) if perhaps else []
    starts, ends = tuple(p[0] for p in pieces), tuple(p[1] for p in pieces)
    totals = tuple(accumulate(end - start for start, end, _ in pieces))
    return Year(starts, ends, totals, tuple(p[0] for p in doubts), tuple(p[1] for p in doubts), tuple(p[2] for p in doubts))


def _clipped(week: Week, day: date, intervals: tuple[Interval, ...], reason: str, bounds: tuple[int, int]) -> list[Piece]:
    spans = (week.span(day, interval) for interval in intervals)
    clipped = ((max(start, bounds[0]), min(end, bounds[1]), reason) for start, end in spans)
    return [piece for piece in clipped if piece[0] < piece[1]]


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Sorted and disjoint: what overlaps or touches is one; the first reason stands for the whole."""
    merged: list[Piece] = []
    for start, end, reason in sorted(pieces):
        if merged and start <= merged[-1][1]:
            begun, until, why = merged[-1]
            merged[-1] = (begun, max(until, end), why)
        else:
            merged.append((start, end, reason))
    return merged


def _without(pieces: list[Piece], covered: list[Piece]) -> list[Piece]:
    """What of `pieces` lies outside `covered` (both merged): a doubt about one desk is none while another is surely open."""
    left: list[Piece] = []
    ends = [end for _, end, _ in covered]
    for begun, end, reason in pieces:
        start = begun
        for index in range(bisect_right(ends, begun), len(covered)):
            covers_from, covers_to, _ = covered[index]
            if covers_from >= end:
                break
            if covers_from > start:
                left.append((start, covers_from, reason))
            start = covers_to
        if start < end:
            left.append((start, end, reason))
    return left
