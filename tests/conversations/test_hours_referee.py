"""Against a referee that looks at every single minute, on random weeks around the changes of the clocks."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yingda.conversations.due import due, is_open, next_open, open_intervals
from yingda.conversations.hours import DAYS, Hours, parse_hours
from yingda.errors import Refused

WINDOW_DAYS, MARGIN_DAYS = 8, 3
MINUTE = timedelta(minutes=1)
# Days near which a clock jumps, in zones that jump at midnight, by half an hour, or not at all, and one that skipped a date.
PLACES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Asia/Beirut", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Asia/Kathmandu", date(2026, 1, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("America/Havana", date(2026, 11, 1)),
]


class Referee:
    """Open minutes by looking at the clock on the wall each minute. Slow, plain, and it shares no code with what it judges."""

    def __init__(self, data: dict[str, Any], around: date) -> None:
        zone = ZoneInfo(data["zone"])
        self.first = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=MARGIN_DAYS)
        count = (WINDOW_DAYS + 2 * MARGIN_DAYS) * 1440
        latest, self.walls = datetime.min, []
        for n in range(count):  # the latest wall time seen so far: the first minute that reaches a wall time is its first
            latest = max(latest, (self.first + n * MINUTE).astimezone(zone).replace(tzinfo=None))
            self.walls.append(latest)
        self.open = [False] * count
        for n in range(-1, WINDOW_DAYS + 2 * MARGIN_DAYS + 1):
            day = (self.first + timedelta(days=n)).date()
            for start, end in self._intervals(data, day):
                self.open[self._minute(day, start) : self._minute(day, end)] = [True] * (
                    max(0, self._minute(day, end) - self._minute(day, start))
                )

    def _intervals(self, data: dict[str, Any], day: date) -> list[tuple[int, int]]:
        special = {item["date"]: item["open"] for item in data["exceptions"]}
        found = special.get(day.isoformat(), data["weekly"].get(DAYS[day.weekday()], []))
        minutes = [[int(t[:2]) * 60 + int(t[3:]) for t in pair] for pair in found]
        return [(start, end if end > start else end + 1440) for start, end in minutes]

    def _minute(self, day: date, minute: int) -> int:
        return bisect_left(self.walls, datetime(day.year, day.month, day.day) + minute * MINUTE)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, list[list[str]]]:
    """Disjoint intervals of a week, some over midnight, some around the whole clock: every second gap between cuts is open."""
    cuts = sorted(draw(st.lists(st.integers(0, 7 * 1440), min_size=4, max_size=16, unique=True)))
    weekly: dict[str, list[list[str]]] = {}
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        end = min(end, start + 1440)
        if start == 7 * 1440:
            continue
        weekly.setdefault(DAYS[start // 1440], []).append([clock(start % 1440), clock(end % 1440 or 1440)])
    return weekly


OPEN = st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), max_size=1).map(
    lambda pairs: [[clock(start), clock(end)] for start, end in pairs]
)


@st.composite
def desks(draw: st.DrawFn) -> tuple[dict[str, Any], Hours, date]:
    zone, around = draw(st.sampled_from(PLACES))
    days = draw(st.lists(st.integers(0, 6), max_size=2, unique=True))
    data = {
        "zone": zone,
        "weekly": draw(weeks()),
        "exceptions": [{"date": (around + timedelta(days=n - 3)).isoformat(), "open": draw(OPEN)} for n in days],
    }
    try:
        return data, parse_hours(data), around
    except Refused as refused:  # two exceptions, the first of which runs into the second
        assert refused.code == "hours_overlap" and refused.where.startswith("exceptions")
        assume(False)
        raise


@settings(max_examples=60, deadline=None)
@given(desks(), st.integers(0, WINDOW_DAYS * 1440), st.integers(0, 3000), st.data())
def test_every_open_minute_agrees_with_the_referee(
    desk: tuple[dict[str, Any], Hours, date], offset: int, minutes: int, draw: st.DataObject
) -> None:
    data, hours, around = desk
    referee = Referee(data, around)
    low, high = MARGIN_DAYS * 1440, (MARGIN_DAYS + WINDOW_DAYS) * 1440
    start, end = referee.first + low * MINUTE, referee.first + high * MINUTE
    judged = [False] * (high - low)
    for one in open_intervals(hours, start, end):
        assert start <= one.start < one.end <= end
        judged[(one.start - start) // MINUTE : (one.end - start) // MINUTE] = [True] * int(one.minutes)
    assert judged == referee.open[low:high]
    probe = draw.draw(st.integers(0, high - low - 1))
    assert is_open(hours, start + probe * MINUTE) == referee.open[low + probe]
    opened = [n for n in range(low + offset, len(referee.open) - MARGIN_DAYS * 1440) if referee.open[n]]
    begin = referee.first + (low + offset) * MINUTE
    if opened:
        assert next_open(hours, begin) == referee.first + opened[0] * MINUTE
    if 0 < minutes <= len(opened):
        assert due(hours, begin, minutes).at == referee.first + (opened[minutes - 1] + 1) * MINUTE


@settings(max_examples=120, deadline=None)
@given(desks(), st.integers(0, 3 * 86_400_000), st.integers(0, 6_000))
def test_exactly_the_asked_minutes_lie_open_before_the_due_time(
    desk: tuple[dict[str, Any], Hours, date], milliseconds: int, minutes: int
) -> None:
    _, hours, around = desk
    start = datetime(around.year, around.month, around.day, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    found = counted(hours, start, minutes)
    between = open_intervals(hours, start, found)
    assert sum(((one.end - one.start) for one in between), timedelta()) == minutes * MINUTE
    if minutes:
        assert [(one.start, one.end) for one in between] == [(o.start, o.end) for o in due(hours, start, minutes).intervals]


@settings(max_examples=120, deadline=None)
@given(desks(), st.integers(0, 6_000), st.integers(0, 500), st.integers(0, 500))
def test_more_minutes_or_a_later_start_are_never_due_earlier(
    desk: tuple[dict[str, Any], Hours, date], minutes: int, more: int, later: int
) -> None:
    _, hours, around = desk
    start = datetime(around.year, around.month, around.day, tzinfo=UTC)
    assert counted(hours, start, minutes) <= counted(hours, start, minutes + more)
    assert counted(hours, start, minutes) <= counted(hours, start + later * MINUTE, minutes)


def counted(hours: Hours, start: datetime, minutes: int) -> datetime:
    """The due time; a desk that is open too seldom for so many minutes is another test's matter."""
    try:
        return due(hours, start, minutes).at
    except Refused as refused:
        assert refused.code in ("no_open_minute", "due_too_far")
        assume(False)
        raise
