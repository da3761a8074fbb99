"""How many due times a second over a desk of five zones that follows the sun, beside the least that such an answer needs.

The bare round makes the same datetimes and does the same two bisections on ready lists, and nothing else. Rounds are
interleaved; medians are printed. Run: python benchmarks/due.py
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yingda.conversations.due import due
from yingda.conversations.hours import DAYS, Hours, parse_hours
from yingda.conversations.opening import MINUTE_US, datetime_of, instant_of

ZONES = {
    "Asia/Shanghai": "CN",
    "Asia/Kolkata": "IN",
    "Europe/London": "GB",
    "America/New_York": "US",
    "America/Los_Angeles": None,
}
ROUNDS, CALLS = 5, 20_000
# Starts step through a year in minutes that never repeat an hour's pattern; counts from nothing to a working week.
STARTS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=(n * 7919) % (360 * 1440)) for n in range(CALLS)]
MINUTES = [(n * 37) % 2400 for n in range(CALLS)]


def follow_the_sun() -> Hours:
    weekly = {day: [["09:00", "12:00"], ["13:00", "17:30"]] for day in DAYS[:5]}
    return parse_hours({"any_of": [{"zone": zone, "weekly": weekly, "calendar": code} for zone, code in ZONES.items()]})


def bare(hours: Hours) -> None:
    year = hours.year(2026)
    for start, minutes in zip(STARTS, MINUTES, strict=True):
        first = bisect_right(year.ends, instant_of(start))
        last = bisect_left(year.totals, year.totals[first] + minutes * MINUTE_US, first)
        datetime_of(year.ends[min(last, len(year.ends) - 1)])


def whole(hours: Hours) -> None:
    for start, minutes in zip(STARTS, MINUTES, strict=True):
        due(hours, start, minutes)


def with_intervals(hours: Hours) -> None:
    for start, minutes in zip(STARTS, MINUTES, strict=True):
        assert due(hours, start, minutes).intervals is not None


def main() -> None:
    hours = follow_the_sun()
    begun = perf_counter()
    hours.year(2026)
    expansion = perf_counter() - begun
    hours.year(2027)
    seconds: dict[str, list[float]] = {"bare": [], "due": [], "due with intervals": []}
    for _ in range(ROUNDS):
        for name, round_ in (("bare", bare), ("due", whole), ("due with intervals", with_intervals)):
            begun = perf_counter()
            round_(hours)
            seconds[name].append(perf_counter() - begun)
    print(f"one year of five zones expanded in {expansion * 1000:.0f} ms, calendars included")
    for name, times in seconds.items():
        print(f"{name:<20}{CALLS / median(times):>10,.0f}/s   {median(seconds['bare']) / median(times):.2f} of bare")


if __name__ == "__main__":
    main()
