"""Counting open minutes: half-open ends, closing instants, midnights, limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from yingda.conversations.due import MINUTES_MAX, due, is_open, next_open, open_intervals
from yingda.conversations.hours import ALWAYS_OPEN, DAYS, Hours, parse_hours
from yingda.errors import Refused

CASES = Path(__file__).resolve().parents[1] / "cases"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def office(zone: str = "Europe/Berlin", **more: object) -> Hours:
    return parse_hours({"zone": zone, "weekly": {day: [["09:00", "17:00"]] for day in DAYS[:5]}, **more})


def test_friday_afternoon_and_an_hour_is_monday_morning() -> None:
    assert due(office(), at("2026-03-06T16:30+01:00"), 60).at == at("2026-03-09T09:30+01:00")


def test_a_due_time_on_a_closing_instant_is_that_instant() -> None:
    found = due(office(), at("2026-03-06T16:00+01:00"), 60)
    assert found.at == at("2026-03-06T17:00+01:00")
    assert [(one.start, one.end, one.minutes) for one in found.intervals] == [
        (at("2026-03-06T16:00+01:00"), at("2026-03-06T17:00+01:00"), 60)
    ]


def test_zero_minutes_give_the_first_open_instant() -> None:
    hours = office()
    assert due(hours, at("2026-03-06T16:59:59+01:00"), 0).at == at("2026-03-06T16:59:59+01:00")
    assert due(hours, at("2026-03-06T17:00+01:00"), 0).at == at("2026-03-09T09:00+01:00")
    assert due(hours, at("2026-03-06T17:00+01:00"), 0).intervals == ()


def test_open_from_the_opening_instant_and_closed_at_the_closing_one() -> None:
    hours = office()
    moments = ("2026-03-06T08:59:59.999999+01:00", "2026-03-06T09:00+01:00", "2026-03-06T17:00+01:00")
    assert [is_open(hours, at(moment)) for moment in moments] == [False, True, False]


def test_seconds_are_carried_over_a_closed_night() -> None:
    found = due(office(), at("2026-03-05T16:59:30.25+01:00"), 1)
    assert found.at == at("2026-03-06T09:00:30.25+01:00")
    assert [one.minutes for one in found.intervals] == [pytest.approx(29.75 / 60), pytest.approx(30.25 / 60)]


def test_r03_around_the_clock_loses_no_minute_at_midnight() -> None:
    given = json.loads((CASES / "R03-24x7-midnight-minute" / "input.json").read_text("utf-8"))
    hours = parse_hours({"zone": given["tz"], "weekly": {day: [pair] for day, pair in zip(DAYS, given["calendar"], strict=True)}})
    created = at(given["created"])
    assert due(hours, created, given["sla_minutes"]).at == at("2026-03-04T00:30:00+08:00")
    assert due(hours, created, 10 * 24 * 60).at == created + timedelta(days=10)


def test_r06_what_is_missed_at_closing_time_repeats_when_the_desk_opens_again() -> None:
    given = json.loads((CASES / "R06-escalation-at-midnight" / "input.json").read_text("utf-8"))
    hours, breach = office(given["tz"]), at(given["due"])
    assert due(hours, breach - timedelta(hours=1), 60).at == breach
    assert next_open(hours, breach) == at("2026-03-09T09:00+01:00")
    assert next_open(ALWAYS_OPEN, breach) == breach


def test_a_night_belongs_to_the_day_it_begins() -> None:
    hours = parse_hours({"zone": "Asia/Shanghai", "weekly": {"fri": [["21:00", "02:00"]], "sun": [["22:00", "24:00"]]}})
    assert is_open(hours, at("2026-03-07T01:59+08:00"))
    assert not is_open(hours, at("2026-03-06T01:00+08:00"))
    assert due(hours, at("2026-03-06T12:00+08:00"), 301).at == at("2026-03-08T22:01+08:00")


def test_intervals_that_touch_are_one_and_order_in_the_file_is_free() -> None:
    day = [["13:00", "18:00"], ["09:00", "13:00"], ["20:00", "24:00"]]
    hours = parse_hours({"zone": "UTC", "weekly": {"mon": day, "tue": [["00:00", "01:00"]]}})
    found = due(hours, at("2026-03-02T00:00Z"), 14 * 60)
    assert [one.minutes for one in found.intervals] == [540, 300]


def test_a_desk_that_follows_the_sun_counts_common_minutes_once() -> None:
    weekly = {day: [["09:00", "18:00"]] for day in DAYS}
    zones = ("Asia/Shanghai", "Europe/London", "America/Los_Angeles")
    hours = parse_hours({"any_of": [{"zone": zone, "weekly": weekly} for zone in zones]})
    found = due(hours, at("2026-01-07T00:30Z"), 25 * 60 - 10)
    assert [(one.start, one.end) for one in found.intervals] == [(at("2026-01-07T00:30Z"), at("2026-01-08T01:20Z"))]
    assert hours.zone.key == "Asia/Shanghai"


def test_any_of_may_stand_inside_any_of() -> None:
    one = {"zone": "UTC", "weekly": {"mon": [["01:00", "02:00"]]}}
    two = {"zone": "Asia/Tokyo", "weekly": {"mon": [["20:00", "21:00"]]}}
    hours = parse_hours({"any_of": [{"any_of": [one]}, two]})
    assert len(open_intervals(hours, at("2026-03-02T00:00Z"), at("2026-03-09T00:00Z"))) == 2


def test_a_stretch_over_new_year_is_one() -> None:
    found = due(ALWAYS_OPEN, at("2025-12-31T23:00Z"), 366 * 24 * 60)
    assert [(one.start, one.end) for one in found.intervals] == [(at("2025-12-31T23:00Z"), at("2027-01-01T23:00Z"))]
    assert due(ALWAYS_OPEN, at("2025-12-31T23:00Z"), 60).at == at("2026-01-01T00:00Z")
    assert due(ALWAYS_OPEN, at("2026-01-01T00:00Z"), 0).at == at("2026-01-01T00:00Z")


def test_open_intervals_are_cut_to_what_was_asked() -> None:
    found = open_intervals(office(), at("2026-03-05T16:00+01:00"), at("2026-03-06T09:30+01:00"))
    assert [one.minutes for one in found] == [60, 30]
    assert open_intervals(office(), at("2026-03-05T17:00+01:00"), at("2026-03-06T09:00+01:00")) == ()
    assert open_intervals(office(), at("2026-03-05T12:00+01:00"), at("2026-03-05T11:00+01:00")) == ()


def once(day: str) -> Hours:
    return parse_hours({"zone": "UTC", "weekly": {}, "exceptions": [{"date": day, "open": [["00:00", "00:10"]]}]})


def test_370_days_are_waited_for_and_no_more() -> None:
    hours = once("2027-03-07")
    assert due(hours, at("2026-03-02T00:00Z"), 5).at == at("2027-03-07T00:05Z")
    with pytest.raises(Refused) as refused:
        due(hours, at("2026-03-01T23:59Z"), 5)
    assert (refused.value.code, refused.value.where) == ("no_open_minute", "weekly")


def test_minutes_that_never_come_are_refused_and_not_looked_for_without_end() -> None:
    with pytest.raises(Refused, match="no_open_minute"):
        due(once("2026-03-02"), at("2026-03-01T00:00Z"), 11)
    with pytest.raises(Refused, match="due_too_far"):
        due(parse_hours({"zone": "UTC", "weekly": {"mon": [["00:00", "00:01"]]}}), at("2026-03-01T00:00Z"), 5000)
    for minutes in (-1, MINUTES_MAX + 1, 10**30):
        with pytest.raises(Refused, match="minutes_out_of_range"):
            due(ALWAYS_OPEN, at("2026-03-01T00:00Z"), minutes)


def test_the_longest_count_is_reached() -> None:
    start = at("2026-03-01T00:00Z")
    assert due(ALWAYS_OPEN, start, 20 * 365 * 24 * 60).at == start + timedelta(days=20 * 365)


@pytest.mark.parametrize("year", [1, 1899, 2901, 9999])
def test_years_that_no_calendar_knows_are_refused(year: int) -> None:
    with pytest.raises(Refused, match="time_out_of_range"):
        due(ALWAYS_OPEN, datetime(year, 1, 1, tzinfo=UTC), 1)


def test_a_time_without_an_offset_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="aware"):
        due(ALWAYS_OPEN, datetime(2026, 1, 1), 1)


def test_old_and_far_years_push_each_other_out_without_changing_an_answer() -> None:
    hours = office()
    starts = [datetime(year, 6, 1, tzinfo=UTC) for year in range(1900, 1980)]
    first = [due(hours, start, 600).at for start in starts]
    assert [due(hours, start, 600).at for start in starts] == first
