"""What hours may look like, and how everything else is refused, with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yingda.conversations.hours import DAYS, EXCEPTIONS_MAX, Hours, parse_hours
from yingda.errors import Refused


def week(**days: list[Any]) -> dict[str, Any]:
    return {"zone": "Asia/Shanghai", "weekly": days}


def refused(data: object) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        parse_hours(data)
    assert caught.value.status == 400
    return caught.value.code, caught.value.where


@pytest.mark.parametrize("data", [None, True, 7, "hours", [], 1.5])
def test_hours_are_an_object(data: object) -> None:
    assert refused(data) == ("wrong_type", "")


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ({}, "key_missing", "weekly"),
        ({"weekly": {}}, "key_missing", "zone"),
        ({"zone": "UTC", "weekly": {}, "closed": []}, "key_unknown", "closed"),
        ({"zone": "UTC", "weekly": []}, "wrong_type", "weekly"),
        ({"zone": "UTC", "weekly": {}, "calendar": 86}, "wrong_type", "calendar"),
        ({"zone": "UTC", "weekly": {}, "calendar": "XX"}, "calendar_unknown", "calendar"),
        ({"zone": "UTC", "weekly": {}, "exceptions": None}, "wrong_type", "exceptions"),
        ({"zone": "UTC", "weekly": {}}, "no_open_minute", "weekly"),
        ({"any_of": []}, "no_open_minute", "any_of"),
        ({"any_of": [7]}, "wrong_type", "any_of[0]"),
        ({"any_of": {}}, "wrong_type", "any_of"),
        ({"any_of": [], "zone": "UTC"}, "key_unknown", "zone"),
        ({"any_of": [week(mon=[["09:00", "10:00"]]), week(monday=[])]}, "key_unknown", "any_of[1].weekly.monday"),
        ({"any_of": [week(), week(mon=[])]}, "no_open_minute", "any_of"),
        ({"any_of": [week(mon=[["00:00", "24:00"]])] * 17}, "too_many", "any_of"),
    ],
)
def test_a_fault_is_named_by_its_path(data: object, code: str, where: str) -> None:
    assert refused(data) == (code, where)


@pytest.mark.parametrize(
    "zone",
    ["", "Beijing", "asia/shanghai", "Asia", "../etc/passwd", "/etc/localtime", "localtime", "right/UTC", "a\0b", "\ud800"],
)
def test_only_iana_zones_are_zones(zone: str) -> None:
    assert refused({"zone": zone, "weekly": {}}) == ("zone_unknown", "zone")


@pytest.mark.parametrize(
    "text", ["", "9:00", "09:60", "25:00", "24:01", "09:00:00", "9am", "0900", "09:00\n", "０９:００", " 09:00", "-1:00", "24:00"]
)
def test_a_start_is_a_time_of_the_day(text: str) -> None:
    assert refused(week(mon=[[text, "18:00"]])) == ("time_malformed", "weekly.mon[0][0]")


@pytest.mark.parametrize("interval", [[], ["09:00"], ["09:00", "10:00", "11:00"], "09:00", {"start": "09:00"}, None, 9])
def test_an_interval_is_a_pair(interval: object) -> None:
    assert refused(week(tue=[["08:00", "09:00"], interval])) == ("interval_malformed", "weekly.tue[1]")


@pytest.mark.parametrize(
    ("end", "code", "where"),
    [
        (18, "wrong_type", "weekly.mon[0][1]"),
        ({"at": "19:00"}, "key_missing", "weekly.mon[0][1].zone"),
        ({"at": "19:00", "zone": "Mars"}, "zone_unknown", "weekly.mon[0][1].zone"),
        ({"at": "19.00", "zone": "UTC"}, "time_malformed", "weekly.mon[0][1].at"),
        ({"at": "19:00", "zone": "UTC", "day": 1}, "key_unknown", "weekly.mon[0][1].day"),
    ],
)
def test_an_end_is_a_time_or_a_time_in_a_zone(end: object, code: str, where: str) -> None:
    assert refused(week(mon=[["09:00", end]])) == (code, where)


@pytest.mark.parametrize(
    ("weekly", "where"),
    [
        ({"mon": [["09:00", "12:00"], ["11:59", "13:00"]]}, "weekly.mon[1]"),
        ({"mon": [["11:59", "13:00"], ["09:00", "12:00"]]}, "weekly.mon[0]"),
        ({"mon": [["09:00", "12:00"], ["09:00", "12:00"]]}, "weekly.mon[1]"),
        ({"mon": [["00:00", "24:00"], ["10:00", "11:00"]]}, "weekly.mon[1]"),
        ({"fri": [["21:00", "02:00"]], "sat": [["01:59", "08:00"]]}, "weekly.sat[0]"),
        ({"sun": [["21:00", "02:00"]], "mon": [["01:00", "08:00"]]}, "weekly.mon[0]"),
        ({"mon": [["09:00", "09:00"]], "tue": [["08:00", "08:30"]]}, "weekly.tue[0]"),
        ({"mon": [["20:00", "06:00"], ["22:00", "23:00"]]}, "weekly.mon[1]"),
    ],
)
def test_overlaps_are_refused_at_the_later_interval(weekly: dict[str, Any], where: str) -> None:
    assert refused(week(**weekly)) == ("hours_overlap", where)


def test_what_only_touches_is_no_overlap() -> None:
    touching = {
        "fri": [["18:00", "24:00"], ["09:00", "18:00"]],
        "sat": [["00:00", "02:00"], ["21:00", "03:00"]],
        "sun": [["03:00", "04:00"], ["22:00", "02:00"]],
        "mon": [["02:00", "02:00"]],
        "tue": [["02:00", "03:00"]],
    }
    assert isinstance(parse_hours(week(**touching)), Hours)


def with_exceptions(*exceptions: dict[str, Any]) -> dict[str, Any]:
    return {**week(mon=[["20:00", "04:00"]]), "exceptions": list(exceptions)}


@pytest.mark.parametrize(
    "day", ["", "2026-2-3", "2026-02-30", "20260203", "2026-W01-1", "0001-01-01", "9999-12-31", "２０２６-01-01"]
)
def test_an_exception_has_a_date(day: str) -> None:
    assert refused(with_exceptions({"date": day, "open": []})) == ("date_malformed", "exceptions[0].date")


def test_exceptions_do_not_contradict_each_other() -> None:
    first = {"date": "2026-10-01", "open": [["20:00", "04:00"]]}
    assert refused(with_exceptions(first, first)) == ("date_twice", "exceptions[1].date")
    own = {"date": "2026-10-01", "open": [["09:00", "12:00"], ["10:00", "11:00"]]}
    assert refused(with_exceptions(own)) == ("hours_overlap", "exceptions[0].open[1]")
    second = {"date": "2026-10-02", "open": [["03:00", "12:00"]]}
    assert refused(with_exceptions(first, second)) == ("hours_overlap", "exceptions[1].open[0]")


def test_an_exception_wins_over_the_night_before_it_without_being_an_overlap() -> None:
    assert isinstance(parse_hours(with_exceptions({"date": "2026-10-06", "open": [["00:00", "24:00"]]})), Hours)


def test_lists_are_bounded() -> None:
    many = [{"date": "2026-10-01", "open": []}] * (EXCEPTIONS_MAX + 1)
    assert refused({**week(), "exceptions": many}) == ("too_many", "exceptions")
    assert refused(week(mon=[["00:00", "00:01"]] * 25)) == ("too_many", "weekly.mon")
    deep: dict[str, Any] = week(mon=[["00:00", "24:00"]])
    for _ in range(50):
        deep = {"any_of": [deep]}
    assert refused(deep)[0] == "too_many"


def test_where_is_put_before_the_path() -> None:
    with pytest.raises(Refused) as caught:
        parse_hours(week(mon=[["x", "y"]]), where="queue[2].hours")
    assert caught.value.where == "queue[2].hours.weekly.mon[0][0]"


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4))
TIMES = st.sampled_from(["00:00", "06:00", "12:00", "18:00", "23:59", "24:00", "25:00"]) | LEAVES
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/London", "America/Los_Angeles", "Nowhere"])
ENDS = TIMES | st.fixed_dictionaries({"at": TIMES, "zone": ZONES})
INTERVALS = st.lists(st.tuples(TIMES, ENDS).map(list) | VALUES, max_size=3)
WEEKLY = st.dictionaries(st.sampled_from(DAYS), INTERVALS, max_size=3) | VALUES
DATES = st.sampled_from(["2026-10-01", "2026-10-02", "2026-02-30"]) | LEAVES
EXCEPTIONS = st.lists(st.fixed_dictionaries({"date": DATES, "open": INTERVALS}) | VALUES, max_size=3) | VALUES
NEARLY = st.fixed_dictionaries(
    {"zone": ZONES | VALUES, "weekly": WEEKLY},
    optional={"calendar": st.sampled_from([None, "CN", "US"]) | VALUES, "exceptions": EXCEPTIONS},
)
HOURS = NEARLY | st.fixed_dictionaries({"any_of": st.lists(NEARLY | VALUES, max_size=3) | VALUES}) | VALUES


@settings(max_examples=200, deadline=None)
@given(HOURS)
def test_any_json_value_is_hours_or_refused(data: object) -> None:
    try:
        hours = parse_hours(data)
    except Refused as refused:
        assert f"`{refused.code}`" in str(parse_hours.__doc__)  # only what the door says it raises
        return
    year = hours.year(2026)
    assert all(start < end for start, end in zip(year.starts, year.ends, strict=True))
    assert all(end < start for end, start in zip(year.ends, year.starts[1:], strict=False))
