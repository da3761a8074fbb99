"""Public holidays and make-up working days.

China's come from `chinesecalendar`, which holds the State Council's yearly announcements and knows nothing of a year not yet
announced; such a year is *not published*: its days count as ordinary ones and every result that rests on them is provisional.
Nothing is guessed. Other countries come from `holidays` ("DE", or with a subdivision "DE-BY"), which computes; where it calls a
date an estimate (lunar calendars that are observed, not computed), that date is doubtful too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, auto
from functools import lru_cache

import chinese_calendar
import holidays

CHINA = "CN"
NOT_PUBLISHED = "calendar_not_published"
ESTIMATED = "calendar_estimated"
CALENDAR_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
YEARS_KEPT_MAX = 512


class DayKind(Enum):
    """What a calendar makes of a date. UNKNOWN: the authority has not announced that year yet."""

    ORDINARY = auto()
    HOLIDAY = auto()
    MAKE_UP = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """One calendar's year. `make_up` days are weekend days that are worked; `estimated` dates may yet move."""

    published: bool
    holidays: frozenset[date] = field(default_factory=frozenset)
    make_up: frozenset[date] = field(default_factory=frozenset)
    estimated: frozenset[date] = field(default_factory=frozenset)

    def kind(self, day: date) -> DayKind:
        if not self.published:
            return DayKind.UNKNOWN
        if day in self.make_up:
            return DayKind.MAKE_UP
        return DayKind.HOLIDAY if day in self.holidays else DayKind.ORDINARY

    def doubt(self, day: date) -> str | None:
        """A reason code when the kind of `day` is not certain."""
        if not self.published:
            return NOT_PUBLISHED
        return ESTIMATED if day in self.estimated else None


def is_calendar(code: str) -> bool:
    """Whether `code` names a calendar we can read: an ISO 3166 country, with or without a subdivision."""
    if code == CHINA:
        return True
    if not CALENDAR_CODE.fullmatch(code):
        return False
    country, _, subdivision = code.partition("-")
    supported = holidays.list_supported_countries(include_aliases=False)
    # China's subdivisions would come from a source that does not know the announcements.
    return country in supported and country != CHINA and (not subdivision or subdivision in supported[country])


@lru_cache(maxsize=YEARS_KEPT_MAX)
def calendar_year(code: str, year: int) -> CalendarYear:
    """The days of `year` in calendar `code` (see `is_calendar`). A year that is not published is empty."""
    return _china(year) if code == CHINA else _country(code, year)


def _china(year: int) -> CalendarYear:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    off: set[date] = set()
    make_up: set[date] = set()
    try:
        for day in days:
            if day.year != year:
                continue
            rests, name = chinese_calendar.get_holiday_detail(day)
            if name is not None:
                (off if rests else make_up).add(day)
    except NotImplementedError:
        return CalendarYear(published=False)
    return CalendarYear(True, frozenset(off), frozenset(make_up))


def _country(code: str, year: int) -> CalendarYear:
    country, _, subdivision = code.partition("-")
    # English, because an estimate is known by its name only. `expand=False`: this year and no other.
    table = holidays.country_holidays(country, subdivision or None, years=year, expand=False, language="en_US")
    if not table.start_year <= year <= table.end_year:
        return CalendarYear(published=False)
    make_up = frozenset(day for day in table.weekend_workdays if day.year == year)
    off = frozenset(day for day in table if day.year == year)
    return CalendarYear(True, off - make_up, make_up, _estimated(table, off))


def _estimated(table: holidays.HolidayBase, off: frozenset[date]) -> frozenset[date]:
    """Every date in a run of holidays around an estimated one, and the days beside the run: the run may move by a day."""
    doubtful: set[date] = set()
    for day in (day for day in off if "(estimated)" in table.get(day, "")):
        for step in (timedelta(days=-1), timedelta(days=1)):
            near = day
            while near in off:
                doubtful.add(near)
                near += step
            doubtful.add(near)
    return frozenset(doubtful)
