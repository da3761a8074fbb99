"""When a promise falls due: the one place that counts open minutes.

Time is counted as it passes (in UTC), so on the day the clocks change an interval counts the minutes it really has.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime

from yingda.conversations.hours import Hours
from yingda.conversations.opening import DAY_MINUTES, MINUTE_US, datetime_of, instant_of
from yingda.errors import Refused

CLOSED_DAYS_MAX = 370
CLOSED_US_MAX = CLOSED_DAYS_MAX * DAY_MINUTES * MINUTE_US
SPAN_YEARS_MAX = 20
MINUTES_MAX = SPAN_YEARS_MAX * 366 * DAY_MINUTES
YEAR_MIN, YEAR_MAX = 1900, 2900


@dataclass(frozen=True, slots=True)
class Counted:
    """A stretch of open time that was counted; touching stretches are one."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> float:
        """Its length; whole unless the counting began within a minute."""
        return (self.end - self.start).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Due:
    """A due time in UTC. `provisional_reason` is a code (see `calendar`) or None."""

    at: datetime
    provisional_reason: str | None
    pieces: tuple[tuple[int, int], ...]

    @property
    def provisional(self) -> bool:
        """Whether a calendar that is not final yet may move it: compute it again when the calendar is published."""
        return self.provisional_reason is not None

    @property
    def intervals(self) -> tuple[Counted, ...]:
        """The open stretches that were counted, in order; none for zero minutes. Built when asked: most callers are not."""
        return tuple(Counted(datetime_of(start), datetime_of(end)) for start, end in self.pieces)


def due(hours: Hours, start: datetime, minutes: int) -> Due:
    """The instant at which `minutes` of open time have passed since `start` (aware).

    A due time that falls on a closing instant is that instant. Zero minutes give the first open instant at or after `start`.
    Raises Refused: `minutes_out_of_range`, `time_out_of_range`, `no_open_minute` (370 days without one), `due_too_far`.
    """
    if not 0 <= minutes <= MINUTES_MAX:
        raise Refused("minutes_out_of_range", "minutes")
    year, begun = _year_of(start), instant_of(start)
    last_year, remaining, cursor = year + SPAN_YEARS_MAX, minutes * MINUTE_US, begun
    pieces: list[tuple[int, int]] = []
    while True:
        current, first, opens = _next_piece(hours, cursor, year)
        if not remaining:
            return Due(datetime_of(opens), _doubt(hours, begun, opens, year), ())
        if current > last_year:
            raise Refused("due_too_far", "minutes")
        table = hours.year(current)
        before = table.totals[first] - (table.ends[first] - opens)
        last = bisect_left(table.totals, before + remaining, first)
        if last < len(table.totals):
            at = table.ends[last] - (table.totals[last] - before - remaining)
            _take(pieces, (opens, *table.starts[first + 1 : last + 1]), (*table.ends[first:last], at))
            return Due(datetime_of(at), _doubt(hours, begun, at - 1, year), tuple(pieces))
        _take(pieces, (opens, *table.starts[first + 1 :]), table.ends[first:])
        remaining, cursor = remaining - (table.totals[-1] - before), table.ends[-1]


def _next_piece(hours: Hours, cursor: int, year: int) -> tuple[int, int, int]:
    """Year, index in it, and opening instant (not before `cursor`) of the first open stretch from `cursor` on."""
    year = max(year, datetime_of(cursor).year)
    for current in range(year, year + 3):  # 370 days touch three years at most
        table = hours.year(current)
        index = bisect_right(table.ends, cursor)
        if index < len(table.ends):
            opens = max(table.starts[index], cursor)
            if opens - cursor > CLOSED_US_MAX:
                break
            return current, index, opens
    raise Refused("no_open_minute", hours.where)


def _take(pieces: list[tuple[int, int]], starts: tuple[int, ...], ends: tuple[int, ...]) -> None:
    """Add counted stretches; a stretch cut by the turn of the UTC year is joined again."""
    if pieces and pieces[-1][1] == starts[0]:
        starts = (pieces.pop()[0], *starts[1:])
    pieces += zip(starts, ends, strict=True)


def _doubt(hours: Hours, begun: int, last: int, year: int) -> str | None:
    """The reason if a stretch that touches [begun, last] hangs on a calendar that is not final. `year` is that of `begun`."""
    for current in range(year, datetime_of(last).year + 1):
        table = hours.year(current)
        index = bisect_right(table.doubt_ends, begun)
        if index < len(table.doubt_ends):
            return table.doubt_reasons[index] if table.doubt_starts[index] <= last else None
    return None


def _year_of(at: datetime) -> int:
    """The UTC year of an aware datetime within the years that calendars and zones say anything about."""
    if at.utcoffset() is None:
        raise ValueError("a due time needs an aware datetime")
    if not YEAR_MIN <= at.year <= YEAR_MAX:
        raise Refused("time_out_of_range", "from")
    return at.astimezone(UTC).year


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the desk is open at `at`: from the opening instant on, and no longer at the closing one."""
    table, moment = hours.year(_year_of(at)), instant_of(at)
    index = bisect_right(table.ends, moment)
    return index < len(table.ends) and table.starts[index] <= moment


def next_open(hours: Hours, at: datetime) -> datetime:
    """The first open instant at or after `at`, in UTC. Raises Refused `no_open_minute` after 370 days without one."""
    return due(hours, at, 0).at


def open_intervals(hours: Hours, start: datetime, end: datetime) -> tuple[Counted, ...]:
    """The open stretches within [start, end), cut to it, in order.

    Raises Refused: `time_out_of_range`, and `due_too_far` beyond 20 years.
    """
    first, last = _year_of(start), _year_of(end)
    if last - first > SPAN_YEARS_MAX:
        raise Refused("due_too_far", "end")
    low, high = instant_of(start), instant_of(end)
    if low >= high:
        return ()
    pieces: list[tuple[int, int]] = []
    for year in range(first, last + 1):
        table = hours.year(year)
        for index in range(bisect_right(table.ends, low), bisect_left(table.starts, high)):
            _take(pieces, (max(low, table.starts[index]),), (min(high, table.ends[index]),))
    return tuple(Counted(datetime_of(a), datetime_of(b)) for a, b in pieces)
