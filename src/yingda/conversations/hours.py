"""The hours of a desk: read from data, checked whole, and refused with the place of the fault.

The data (see `yingda due`): `{"zone", "weekly", "calendar", "exceptions"}`, or `{"any_of": [HOURS…]}` for a desk that follows
the sun. A desk that is never open cannot be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from yingda.conversations.calendar import is_calendar
from yingda.conversations.opening import DAY_MINUTES, Interval, Week
from yingda.conversations.overlap import Placed, refuse_exception_overlap, refuse_weekly_overlap, sample_dates, settle_end
from yingda.conversations.timeline import Year, build_year
from yingda.errors import Refused

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
INTERVALS_A_DAY_MAX = 24
EXCEPTIONS_MAX = 4_000
MEMBERS_MAX = 16
DEPTH_MAX = 4
YEARS_KEPT_MAX = 24
EXCEPTION_YEAR_MIN, EXCEPTION_YEAR_MAX = 1900, 2900

TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, eq=False, slots=True)
class Hours:
    """When a desk is open: whenever any of its `weeks` is. `zone` is the desk's own, for showing times to its people.

    `where` names the place to blame when it is never open. Years are expanded when asked for and kept.
    """

    weeks: tuple[Week, ...]
    zone: ZoneInfo
    where: str = ""
    _years: dict[int, Year] = field(default_factory=dict, repr=False)

    def year(self, year: int) -> Year:
        """The open time of a UTC year. At most `YEARS_KEPT_MAX` are kept; the oldest made goes first."""
        found = self._years.get(year)
        if found is None:
            found = build_year(self.weeks, year)
            while len(self._years) >= YEARS_KEPT_MAX:
                self._years.pop(next(iter(self._years)), None)
            self._years[year] = found
        return found


def parse_hours(data: object, *, where: str = "") -> Hours:
    """Hours from plain data (as `json.loads` gives it). `where` is put before the path of a fault.

    Raises Refused and nothing else: `wrong_type`, `key_missing`, `key_unknown`, `zone_unknown`, `calendar_unknown`,
    `time_malformed`, `date_malformed`, `date_twice`, `interval_malformed`, `hours_overlap`, `end_ambiguous`, `too_many`,
    `no_open_minute`.
    """
    weeks = _weeks(data, where, 0)
    if len(weeks) > MEMBERS_MAX:
        raise Refused("too_many", _join(where, "any_of"))
    blame = _join(where, "any_of" if isinstance(data, dict) and "any_of" in data else "weekly")
    if not any(any(week.weekly) or any(week.exceptions.values()) for week in weeks):
        raise Refused("no_open_minute", blame)
    return Hours(tuple(weeks), weeks[0].zone, blame)


def _weeks(data: object, where: str, depth: int) -> list[Week]:
    """The leaves of a tree of `any_of`. Overlaps between leaves are what following the sun means, and no fault."""
    if isinstance(data, dict) and "any_of" in data:
        members = _keys(data, where, {"any_of"})["any_of"]
        path = _join(where, "any_of")
        if depth >= DEPTH_MAX:
            raise Refused("too_many", path)
        return [week for at, member in _items(members, path, MEMBERS_MAX) for week in _weeks(member, at, depth + 1)]
    return [_week(data, where)]


def _week(data: object, where: str) -> Week:
    found = _keys(data, where, {"zone", "weekly"}, {"calendar", "exceptions"})
    zone = _zone(found["zone"], _join(where, "zone"))
    calendar = found.get("calendar")
    if not (calendar is None or isinstance(calendar, str)):
        raise Refused("wrong_type", _join(where, "calendar"))
    if calendar is not None and not is_calendar(calendar):
        raise Refused("calendar_unknown", _join(where, "calendar"))
    weekly = _weekly(found["weekly"], _join(where, "weekly"), zone)
    refuse_weekly_overlap(weekly, zone)
    exceptions = _exceptions(found.get("exceptions", []), _join(where, "exceptions"), zone)
    refuse_exception_overlap(exceptions.items(), zone)
    return Week(zone, tuple(map(_bare, weekly)), calendar, {day: _bare(open_) for day, open_ in exceptions.items()})


def _bare(placed: Iterable[Placed]) -> tuple[Interval, ...]:
    return tuple(one.interval for one in placed)


def _weekly(data: object, where: str, zone: ZoneInfo) -> list[list[Placed]]:
    found = _keys(data, where, set(), set(DAYS))
    return [_intervals(found.get(name, []), _join(where, name), zone, sample_dates(weekday)) for weekday, name in enumerate(DAYS)]


def _exceptions(data: object, where: str, zone: ZoneInfo) -> dict[date, list[Placed]]:
    exceptions: dict[date, list[Placed]] = {}
    for at, item in _items(data, where, EXCEPTIONS_MAX):
        found = _keys(item, at, {"date", "open"})
        day = _date(found["date"], _join(at, "date"))
        if day in exceptions:
            raise Refused("date_twice", _join(at, "date"))
        exceptions[day] = _intervals(found["open"], _join(at, "open"), zone, (day,))
    return exceptions


def _intervals(data: object, where: str, zone: ZoneInfo, dates: tuple[date, ...]) -> list[Placed]:
    return [Placed(_interval(item, at, zone, dates), at) for at, item in _items(data, where, INTERVALS_A_DAY_MAX)]


def _interval(data: object, where: str, zone: ZoneInfo, dates: tuple[date, ...]) -> Interval:
    """One `[start, end]`; an end not after the start has crossed midnight."""
    if not isinstance(data, list) or len(data) != 2:
        raise Refused("interval_malformed", where)
    start = _time(data[0], f"{where}[0]")
    if start == DAY_MINUTES:
        raise Refused("time_malformed", f"{where}[0]")
    if not isinstance(data[1], dict):
        end, end_zone = _time(data[1], f"{where}[1]"), zone
    else:
        found = _keys(data[1], f"{where}[1]", {"at", "zone"})
        end, end_zone = _time(found["at"], f"{where}[1].at"), _zone(found["zone"], f"{where}[1].zone")
    if end_zone.key == zone.key:
        return Interval(start, end if end > start else end + DAY_MINUTES)
    settled = settle_end(start, end, zone, end_zone, dates)
    if settled is None:
        raise Refused("end_ambiguous", f"{where}[1]")
    return Interval(start, settled, end_zone)


def _keys(data: object, where: str, required: set[str], optional: Iterable[str] = ()) -> Mapping[str, object]:
    """`data` as an object with all `required` keys and none beside the `optional` ones."""
    if not isinstance(data, dict):
        raise Refused("wrong_type", where)
    for key in data:
        if key not in required and key not in optional:
            raise Refused("key_unknown", _join(where, str(key)))
    for key in sorted(required):
        if key not in data:
            raise Refused("key_missing", _join(where, key))
    return data


def _items(data: object, where: str, count_max: int) -> Iterator[tuple[str, object]]:
    """Each item of a list of at most `count_max`, with its path."""
    if not isinstance(data, list):
        raise Refused("wrong_type", where)
    if len(data) > count_max:
        raise Refused("too_many", where)
    return ((f"{where}[{index}]", item) for index, item in enumerate(data))


def _time(data: object, where: str) -> int:
    """Minutes after midnight of "HH:MM", up to "24:00"."""
    if not isinstance(data, str):
        raise Refused("wrong_type", where)
    if not TIME.fullmatch(data):
        raise Refused("time_malformed", where)
    return int(data[:2]) * 60 + int(data[3:])


def _date(data: object, where: str) -> date:
    if not isinstance(data, str):
        raise Refused("wrong_type", where)
    try:
        day = date.fromisoformat(data) if DATE.fullmatch(data) else None
    except ValueError:
        day = None
    if day is None or not EXCEPTION_YEAR_MIN <= day.year <= EXCEPTION_YEAR_MAX:
        raise Refused("date_malformed", where)
    return day


def _zone(data: object, where: str) -> ZoneInfo:
    if not isinstance(data, str):
        raise Refused("wrong_type", where)
    found = zone_named(data)
    if found is None:
        raise Refused("zone_unknown", where)
    return found


def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone of exactly this name, or None.

    The name is looked up in the list first: `ZoneInfo` alone would take a file of the system that is no zone ("localtime",
    "right/…" which counts leap seconds), or another case of the letters where file names ignore case.
    """
    return ZoneInfo(name) if name in _zone_names() else None


@cache
def _zone_names() -> frozenset[str]:
    return frozenset((resources.files("tzdata") / "zones").read_text("utf-8").split())


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


ALWAYS_OPEN = parse_hours({"zone": "UTC", "weekly": {name: [["00:00", "24:00"]] for name in DAYS}})
"""Every minute of every day, in UTC."""
