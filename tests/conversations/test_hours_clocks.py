"""Wall time against the clocks: changes of summer time, midnights that do not exist, odd offsets, ends in another zone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from yingda.conversations.due import due, is_open, next_open, open_intervals
from yingda.conversations.hours import DAYS, Hours, parse_hours
from yingda.errors import Refused

CASES = Path(__file__).resolve().parents[1] / "cases"


def every_day(zone: str, *intervals: list[object]) -> Hours:
    return parse_hours({"zone": zone, "weekly": {day: list(intervals) for day in DAYS}})


def case(name: str) -> object:
    return json.loads((CASES / name / "input.json").read_text("utf-8"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def open_on(hours: Hours, start: str, end: str) -> list[tuple[str, str]]:
    zone = hours.zone
    found = open_intervals(hours, at(start), at(end))
    return [(one.start.astimezone(zone).isoformat(), one.end.astimezone(zone).isoformat()) for one in found]


def test_b02_hours_stay_local_when_the_clocks_change() -> None:
    hours = every_day("Europe/London", ["09:00", "17:00"])
    assert [is_open(hours, at(moment)) for moment in case("B02-dst-stored-as-utc")] == [False, True, True, False]


def test_b03_the_afternoon_of_a_day_on_which_clocks_change_keeps_its_place_and_length() -> None:
    given = case("B03-dst-day-afternoon")
    hours = every_day(given["tz"], given["window"])
    expected = {"2026-03-08": ("17:00", "22:00"), "2026-11-01": ("18:00", "23:00")}
    for day in given["dates"]:
        (found,) = open_intervals(hours, at(f"{day}T12:00Z"), at(f"{day}T23:59Z"))
        assert (found.start.strftime("%H:%M"), found.end.strftime("%H:%M")) == expected[day]
        assert found.minutes == 300


def test_b07_an_end_in_another_zone_follows_that_zone() -> None:
    hours = every_day("Europe/London", ["06:00", {"at": "19:00", "zone": "America/Los_Angeles"}])
    right = {
        "2026-02-10": "2026-02-11T03:00:00+00:00",
        "2026-03-10": "2026-03-11T02:00:00+00:00",
        "2026-04-10": "2026-04-11T03:00:00+01:00",
        "2026-10-27": "2026-10-28T02:00:00+00:00",
        "2026-11-10": "2026-11-11T03:00:00+00:00",
    }
    for day in case("B07-two-zones-one-day"):
        noon = at(f"{day}T12:00Z")
        end = next(one.end for one in open_intervals(hours, noon, noon + timedelta(days=1)))
        assert end.astimezone(ZoneInfo("Europe/London")).isoformat() == right[day]


def test_b08_after_midnight_the_shift_that_began_yesterday_is_on() -> None:
    given = case("B08-who-is-on-shift-after-midnight")
    weekday = {"2026-02-03": "tue", "2026-02-04": "wed"}
    teams = {
        team: parse_hours({"zone": "Europe/Berlin", "weekly": {weekday[day]: [[start, end]]}})
        for team, day, start, end in given["shifts"]
    }
    zone = ZoneInfo("Europe/Berlin")
    on = [[t for t, hours in teams.items() if is_open(hours, at(probe).replace(tzinfo=zone))] for probe in given["probe"]]
    assert on == [["Red"], ["Red"], ["Blue"]]


def test_a_start_in_the_missing_hour_becomes_the_first_time_that_exists() -> None:
    hours = every_day("America/New_York", ["02:30", "04:00"])
    assert open_on(hours, "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00") == [
        ("2026-03-08T03:00:00-04:00", "2026-03-08T04:00:00-04:00")
    ]


def test_an_interval_wholly_in_the_missing_hour_is_not_open_that_day() -> None:
    hours = every_day("America/New_York", ["02:00", "03:00"])
    assert open_on(hours, "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00") == []
    assert next_open(hours, at("2026-03-08T00:00-05:00")) == at("2026-03-09T02:00-04:00")


def test_a_time_that_occurs_twice_is_its_first_occurrence() -> None:
    hours = every_day("America/New_York", ["01:30", "02:30"])
    assert open_on(hours, "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00") == [
        ("2026-11-01T01:30:00-04:00", "2026-11-01T02:30:00-05:00")
    ]
    ends_twice = every_day("America/New_York", ["00:30", "01:30"])
    assert not is_open(ends_twice, at("2026-11-01T01:10-05:00"))
    assert is_open(ends_twice, at("2026-11-01T01:10-04:00"))


@pytest.mark.parametrize(
    ("zone", "day", "first", "minutes"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", 23 * 60),
        ("Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00", 23 * 60),
        ("Asia/Beirut", "2026-03-29", "2026-03-29T01:00:00+03:00", 23 * 60),
        ("America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", 23 * 60),
        ("America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", 25 * 60),
        ("Asia/Beirut", "2026-10-24", "2026-10-24T00:00:00+03:00", 25 * 60),
        ("Africa/Cairo", "2026-10-29", "2026-10-29T00:00:00+03:00", 25 * 60),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00:00+10:30", 23 * 60 + 30),
        ("Asia/Kathmandu", "2026-10-04", "2026-10-04T00:00:00+05:45", 24 * 60),
        ("Pacific/Chatham", "2026-04-05", "2026-04-05T00:00:00+13:45", 25 * 60),
        ("Africa/Casablanca", "2026-02-15", "2026-02-15T00:00:00+01:00", 25 * 60),
    ],
)
def test_a_whole_day_has_the_minutes_its_clocks_give_it(zone: str, day: str, first: str, minutes: int) -> None:
    weekday = DAYS[at(day).weekday()]
    hours = parse_hours({"zone": zone, "weekly": {weekday: [["00:00", "24:00"]]}})
    start = at(day).replace(tzinfo=UTC) - timedelta(days=1)
    (found,) = open_intervals(hours, start, start + timedelta(days=3))
    assert found.start.astimezone(hours.zone).isoformat() == first
    assert found.minutes == minutes


def test_a_date_that_a_zone_left_out_has_no_open_minute() -> None:
    hours = parse_hours({"zone": "Pacific/Apia", "weekly": {"fri": [["09:00", "17:00"]]}})
    assert next_open(hours, at("2011-12-29T00:00Z")) == at("2012-01-06T09:00+14:00")


def test_around_the_clock_stays_one_stretch_through_every_change_of_clocks() -> None:
    for zone in ("America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Pacific/Apia", "Europe/London"):
        hours = every_day(zone, ["00:00", "24:00"])
        assert len(open_intervals(hours, at("2010-06-01T00:00Z"), at("2026-12-31T00:00Z"))) == 1, zone


def test_a_day_that_runs_from_nine_to_nine_is_open_around_the_clock() -> None:
    hours = every_day("Europe/London", ["09:00", "09:00"])
    assert len(open_intervals(hours, at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z"))) == 1


def test_minutes_are_real_minutes_on_the_day_the_clocks_change() -> None:
    hours = every_day("Europe/Berlin", ["00:00", "06:00"])
    assert due(hours, at("2026-03-29T00:00+01:00"), 301).at == at("2026-03-30T00:01+02:00")
    assert due(hours, at("2026-10-25T00:00+02:00"), 420).at == at("2026-10-25T06:00+01:00")


def test_an_end_in_another_zone_that_comes_before_the_start_is_on_the_next_date() -> None:
    hours = parse_hours({"zone": "Asia/Shanghai", "weekly": {"mon": [["18:00", {"at": "02:00", "zone": "Europe/London"}]]}})
    assert open_on(hours, "2026-01-05T00:00Z", "2026-01-07T00:00Z") == [
        ("2026-01-05T18:00:00+08:00", "2026-01-06T10:00:00+08:00")
    ]


def test_an_end_in_the_same_zone_written_out_means_the_same_as_a_plain_one() -> None:
    plain = every_day("America/New_York", ["22:00", "02:30"])
    written = every_day("America/New_York", ["22:00", {"at": "02:30", "zone": "America/New_York"}])
    span = ("2026-03-01T00:00Z", "2026-03-15T00:00Z")
    assert open_on(plain, *span) == open_on(written, *span)


def test_an_end_that_falls_now_before_now_after_the_start_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        every_day("Europe/London", ["17:30", {"at": "10:00", "zone": "America/Los_Angeles"}])
    assert (refused.value.code, refused.value.where) == ("end_ambiguous", "weekly.mon[0][1]")


def test_an_overlap_that_exists_only_while_two_zones_differ_is_refused() -> None:
    weekly = {day: [["02:30", "05:00"], ["06:00", {"at": "19:00", "zone": "America/Los_Angeles"}]] for day in DAYS}
    with pytest.raises(Refused) as refused:
        parse_hours({"zone": "Europe/London", "weekly": weekly})
    assert refused.value.code == "hours_overlap"
