"""Holidays, make-up working days, exceptions, and years that nobody has announced."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from yingda.conversations.calendar import DayKind, calendar_year, is_calendar
from yingda.conversations.due import due, is_open, next_open
from yingda.conversations.hours import DAYS, Hours, parse_hours

CASES = Path(__file__).resolve().parents[1] / "cases"
WEEKDAYS = {day: [["09:00", "18:00"]] for day in DAYS[:5]}


def office(calendar: str | None = "CN", zone: str = "Asia/Shanghai", **more: object) -> Hours:
    return parse_hours({"zone": zone, "weekly": WEEKDAYS, "calendar": calendar, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_holiday_is_closed_and_a_make_up_saturday_has_mondays_hours() -> None:
    hours = office()
    assert next_open(hours, at("2026-09-30T18:00+08:00")) == at("2026-10-08T09:00+08:00")
    assert is_open(hours, at("2026-10-10T09:00+08:00"))
    assert due(hours, at("2026-10-09T17:30+08:00"), 60).at == at("2026-10-10T09:30+08:00")


def test_a_make_up_day_follows_monday_and_not_its_own_weekday() -> None:
    hours = parse_hours(
        {"zone": "Asia/Shanghai", "calendar": "CN", "weekly": {"mon": [["08:00", "12:00"]], "sat": [["14:00", "15:00"]]}}
    )
    assert next_open(hours, at("2026-10-10T00:00+08:00")) == at("2026-10-10T08:00+08:00")
    assert next_open(hours, at("2026-10-17T00:00+08:00")) == at("2026-10-17T14:00+08:00")


def test_without_a_calendar_holidays_are_ordinary_days() -> None:
    found = due(office(None), at("2026-10-01T09:00+08:00"), 10)
    assert (found.at, found.provisional) == (at("2026-10-01T09:10+08:00"), False)


def test_a_night_that_began_before_a_holiday_runs_to_its_end() -> None:
    weekly = {day: [["21:00", "02:00"]] for day in DAYS}
    hours = parse_hours({"zone": "Asia/Shanghai", "calendar": "CN", "weekly": weekly})
    assert is_open(hours, at("2026-10-01T01:59+08:00"))
    assert not is_open(hours, at("2026-10-01T21:00+08:00"))
    assert not is_open(hours, at("2026-10-08T01:00+08:00"))


def test_an_exception_wins_over_a_holiday_a_make_up_day_and_the_week() -> None:
    exceptions = [
        {"date": "2026-10-01", "open": [["10:00", "11:00"]]},
        {"date": "2026-10-10", "open": []},
        {"date": "2026-10-12", "open": [["22:00", "03:00"]]},
    ]
    hours = office(exceptions=exceptions)
    assert next_open(hours, at("2026-09-30T18:00+08:00")) == at("2026-10-01T10:00+08:00")
    assert next_open(hours, at("2026-10-09T18:00+08:00")) == at("2026-10-12T22:00+08:00")
    assert due(hours, at("2026-10-12T09:00+08:00"), 301).at == at("2026-10-13T09:01+08:00")


def test_an_exception_that_runs_into_ordinary_hours_counts_their_common_minutes_once() -> None:
    hours = office(None, exceptions=[{"date": "2026-10-12", "open": [["22:00", "10:00"]]}])
    found = due(hours, at("2026-10-12T22:00+08:00"), 13 * 60)
    assert found.at == at("2026-10-13T11:00+08:00")
    assert len(found.intervals) == 1


def test_b06_a_year_not_announced_is_counted_as_ordinary_and_marked_provisional() -> None:
    hours = office()
    for day in json.loads((CASES / "B06-unpublished-year" / "input.json").read_text("utf-8")):
        assert calendar_year("CN", int(day[:4])).kind(date.fromisoformat(day)) is DayKind.UNKNOWN
        found = due(hours, at(f"{day}T09:00+08:00"), 60)
        ordinary = due(office(None), at(f"{day}T09:00+08:00"), 60)
        assert (found.at, found.provisional, found.provisional_reason) == (ordinary.at, True, "calendar_not_published")


def test_a_due_time_is_provisional_only_when_it_hangs_on_the_year_not_announced() -> None:
    hours = office()
    assert not due(hours, at("2026-12-31T17:00+08:00"), 60).provisional
    assert due(hours, at("2026-12-31T17:00+08:00"), 61).provisional
    assert due(hours, at("2026-12-31T18:00+08:00"), 0).provisional
    assert not due(hours, at("2026-12-31T17:00+08:00"), 0).provisional
    settled = office(exceptions=[{"date": "2027-01-01", "open": [["09:00", "18:00"]]}])
    assert not due(settled, at("2026-12-31T17:00+08:00"), 120).provisional


def test_a_weekend_that_may_become_a_make_up_day_makes_the_answer_provisional() -> None:
    assert due(office(), at("2027-03-05T18:00+08:00"), 0).provisional


def test_another_desk_that_is_surely_open_takes_the_doubt_away() -> None:
    day = {"zone": "UTC", "weekly": {name: [["00:00", "24:00"]] for name in DAYS}}
    china = {"zone": "Asia/Shanghai", "weekly": WEEKDAYS, "calendar": "CN"}
    assert not due(parse_hours({"any_of": [china, day]}), at("2027-03-05T18:00+08:00"), 600).provisional
    night = {"zone": "UTC", "weekly": {name: [["02:00", "24:00"]] for name in DAYS}}
    both = parse_hours({"any_of": [china, night]})
    assert due(both, at("2027-03-05T09:30+08:00"), 20).provisional
    assert not due(both, at("2027-03-05T10:00+08:00"), 20).provisional


def test_other_countries_have_their_holidays_and_subdivisions_theirs() -> None:
    assert next_open(office("DE", "Europe/Berlin"), at("2026-04-02T18:00+02:00")) == at("2026-04-07T09:00+02:00")
    epiphany = at("2026-01-06T10:00+01:00")
    assert is_open(office("DE", "Europe/Berlin"), epiphany)
    assert not is_open(office("DE-BY", "Europe/Berlin"), epiphany)


def test_make_up_days_of_other_countries_have_mondays_hours() -> None:
    assert is_open(office("HU", "Europe/Budapest"), at("2026-08-08T10:00+02:00"))


def test_a_holiday_that_is_an_estimate_makes_the_answer_provisional() -> None:
    estimated = sorted(calendar_year("TR", 2045).estimated)
    assert estimated
    hours = office("TR", "Europe/Istanbul")
    assert due(hours, at(f"{estimated[0]}T00:00+03:00"), 600).provisional_reason == "calendar_estimated"
    assert not due(hours, at("2045-05-08T09:00+03:00"), 60).provisional


@pytest.mark.parametrize("code", ["CN", "US", "GB", "HK", "DE-BY", "US-CA"])
def test_a_country_code_names_a_calendar(code: str) -> None:
    assert is_calendar(code)


@pytest.mark.parametrize("code", ["", "cn", "CHN", "XX", "DE-ZZ", "CN-XJ", "China", "DE-", "..", "D\n"])
def test_anything_else_names_none(code: str) -> None:
    assert not is_calendar(code)


def test_every_published_year_of_china_agrees_with_the_announcement_for_its_famous_days() -> None:
    table = calendar_year("CN", 2025)
    assert table.kind(date(2025, 1, 26)) is DayKind.MAKE_UP
    assert table.kind(date(2025, 1, 28)) is DayKind.HOLIDAY
    assert table.kind(date(2025, 10, 8)) is DayKind.HOLIDAY
    assert table.kind(date(2025, 10, 9)) is DayKind.ORDINARY
    assert table.kind(date(2025, 10, 11)) is DayKind.MAKE_UP
