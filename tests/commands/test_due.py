"""`yingda due`, as other programs call it: a file, a line of arguments, one JSON object, an exit code."""

from __future__ import annotations

import ast
import inspect
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import yingda.conversations.due
import yingda.conversations.hours
import yingda.conversations.overlap
from yingda.commands import due as command
from yingda.commands import json_file
from yingda.commands.out import Parser, message_for
from yingda.conversations.hours import parse_hours

KEYS = {"due_utc", "due_desk", "due_customer", "intervals", "provisional", "provisional_reason"}
SPLIT = """{"zone": "Asia/Shanghai",
 "weekly": {
   "mon": [["09:00", "12:30"], ["13:30", "18:00"]],
   "fri": [["21:00", "02:00"]],
   "sat": [["09:00", "24:00"]]
 },
 "calendar": "CN",
 "exceptions": [
   {"date": "2026-10-01", "open": []},
   {"date": "2026-10-10", "open": [["09:00", "17:00"]]}
 ]}
"""


class Desk:
    """Runs the command on a file of hours and reads what it says."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file, self.capsys = folder / "hours.json", capsys

    def run(self, *line: str) -> tuple[int, str, str]:
        parser = Parser(prog="yingda")
        command.add(parser.add_subparsers(required=True))
        try:
            args = parser.parse_args(["due", *line])
            code = args.run(args)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def due(self, hours: object, start: str, minutes: int | str, *more: str) -> tuple[int, Any]:
        if isinstance(hours, bytes):
            self.file.write_bytes(hours)
        else:
            self.file.write_text(hours if isinstance(hours, str) else json.dumps(hours), "utf-8")
        line = ("--hours", str(self.file), "--from", start, "--minutes", str(minutes), "--json", *more)
        code, out, err = self.run(*line)
        assert err == ""
        assert out.count("\n") == 1
        return code, json.loads(out)

    def refused(self, hours: object, start: str = "2026-03-02T09:00+08:00", minutes: int | str = 1) -> tuple[str, str]:
        code, answer = self.due(hours, start, minutes)
        assert code == 2
        assert set(answer) == {"error"}
        assert answer["error"]["message"]
        return answer["error"]["code"], answer["error"]["where"]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_the_answer_has_every_key_of_the_contract(desk: Desk) -> None:
    code, answer = desk.due(SPLIT, "2026-03-02T12:00:00+08:00", 60, "--customer-zone", "America/New_York")
    assert code == 0
    assert answer == {
        "due_utc": "2026-03-02T06:00:00+00:00",
        "due_desk": "2026-03-02T14:00:00+08:00",
        "due_customer": "2026-03-02T01:00:00-05:00",
        "intervals": [
            {"start": "2026-03-02T12:00:00+08:00", "end": "2026-03-02T12:30:00+08:00", "minutes": 30},
            {"start": "2026-03-02T13:30:00+08:00", "end": "2026-03-02T14:00:00+08:00", "minutes": 30},
        ],
        "provisional": False,
        "provisional_reason": None,
    }
    assert set(answer) == KEYS


def test_without_a_zone_of_the_customer_its_time_is_null(desk: Desk) -> None:
    assert desk.due(SPLIT, "2026-03-06T23:00Z", 0)[1]["due_customer"] is None


def test_a_year_not_announced_is_said_to_be_provisional(desk: Desk) -> None:
    _, answer = desk.due(SPLIT, "2027-10-04T09:00+08:00", 10)
    assert (answer["due_utc"], answer["provisional"]) == ("2027-10-04T01:10:00+00:00", True)
    assert answer["provisional_reason"] == "calendar_not_published"


def test_a_desk_that_follows_the_sun_shows_each_zone_its_own_time(desk: Desk) -> None:
    weekly = {"mon": [["09:00", "18:00"]]}
    hours = {"any_of": [{"zone": "Europe/London", "weekly": weekly}, {"zone": "America/Los_Angeles", "weekly": weekly}]}
    _, answer = desk.due(hours, "2026-03-09T17:30Z", 60, "--customer-zone", "Asia/Kathmandu")
    assert answer["due_desk"] == "2026-03-09T18:30:00+00:00"
    assert answer["due_customer"] == "2026-03-10T00:15:00+05:45"
    assert [one["minutes"] for one in answer["intervals"]] == [60]


def test_a_byte_order_mark_is_read_over(desk: Desk) -> None:
    assert desk.due(b"\xef\xbb\xbf" + SPLIT.encode(), "2026-03-02T09:00+08:00", 1)[0] == 0


def test_seconds_in_from_are_kept(desk: Desk) -> None:
    _, answer = desk.due(SPLIT, "2026-03-02T12:29:30+08:00", 1)
    assert answer["due_desk"] == "2026-03-02T13:30:30+08:00"
    assert [one["minutes"] for one in answer["intervals"]] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ('"zone": "Asia/Shanghai"', '"zone": "Asia/Beijing"', "zone_unknown", "line 1, zone"),
        ('["13:30", "18:00"]', '["12:00", "18:00"]', "hours_overlap", "line 3, weekly.mon[1]"),
        ('"sat": [["09:00"', '"sat": [["01:00"', "hours_overlap", "line 5, weekly.sat[0]"),
        ('"fri"', '"friday"', "key_unknown", "line 4, weekly.friday"),
        ('"fri"', '"mon"', "key_twice", "line 4, weekly.mon"),
        ('"21:00"', "2100", "wrong_type", "line 4, weekly.fri[0][0]"),
        ('"21:00"', '"21.00"', "time_malformed", "line 4, weekly.fri[0][0]"),
        ('"02:00"', '{"at": "02:00", "zone": "Mars"}', "zone_unknown", "line 4, weekly.fri[0][1].zone"),
        ('"CN"', '"China"', "calendar_unknown", "line 7, calendar"),
        ('"2026-10-10"', '"2026-10-01"', "date_twice", "line 10, exceptions[1].date"),
        ('"open": []', '"closed": true', "key_unknown", "line 9, exceptions[0].closed"),
        (', "open": []', "", "key_missing", "line 9, exceptions[0].open"),
        ('"09:00", "17:00"', '"09:00" "17:00"', "json_malformed", "line 10"),
        ('"CN"', "NaN", "json_malformed", "line 1"),
        (SPLIT, "", "json_malformed", "line 1"),
        (SPLIT, "\n[]", "wrong_type", "line 2"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_line(desk: Desk, old: str, new: str, code: str, where: str) -> None:
    assert old in SPLIT
    assert desk.refused(SPLIT.replace(old, new, 1)) == (code, where)


def test_a_desk_that_does_not_open_within_370_days_is_refused(desk: Desk) -> None:
    assert desk.refused('{"zone": "UTC",\n"weekly": {"mon": []}}') == ("no_open_minute", "line 2, weekly")
    past = {"zone": "UTC", "weekly": {}, "exceptions": [{"date": "2020-01-01", "open": [["00:00", "24:00"]]}]}
    assert desk.refused(past) == ("no_open_minute", "line 1, weekly")


def test_keys_that_only_look_alike_are_not_taken_for_one_another(desk: Desk) -> None:
    assert desk.refused('{"weekly.mon": 1,\n"weekly": {"mon": []},\n"zone": "UTC"}') == ("key_unknown", "line 1, weekly.mon")
    assert desk.refused('{"": {},\n"": 1}') == ("key_twice", "line 2, ")
    assert desk.refused('{"zone": "UTC", "z\\u006fne": "UTC"}') == ("key_twice", "line 1, zone")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe{\x00}\x00", "not_utf8"),
        ("{}".encode("utf-16"), "not_utf8"),
        (b"[" * 100_000, "json_too_deep"),
        (b"[" * 40 + b"]" * 40, "json_too_deep"),
        (b'{"zone": ' + b"9" * 5000 + b"}", "json_malformed"),
        (b'{"\\ud800": 1}', "key_unknown"),
        (b" " * 1_000_001, "json_too_large"),
        (b"\x00", "json_malformed"),
    ],
)
def test_hostile_files_are_refused(desk: Desk, content: bytes, code: str) -> None:
    assert desk.refused(content)[0] == code


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-03-02T09:00", "time_without_offset"),
        ("2026-03-02", "time_without_offset"),
        ("2026-02-30T09:00Z", "time_malformed"),
        ("yesterday", "time_malformed"),
        ("", "time_malformed"),
        ("0001-01-01T00:00+14:00", "time_out_of_range"),
        ("9999-12-31T23:59-12:00", "time_out_of_range"),
    ],
)
def test_from_is_a_moment_with_an_offset(desk: Desk, start: str, code: str) -> None:
    assert desk.refused(SPLIT, start) == (code, "--from")


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        ("-1", "minutes_malformed"),
        ("1.5", "minutes_malformed"),
        ("６０", "minutes_malformed"),
        ("1_0", "minutes_malformed"),
        ("", "minutes_malformed"),
        ("999999999", "minutes_out_of_range"),
        ("9" * 10_000, "minutes_out_of_range"),
        ("10000000", "due_too_far"),
    ],
)
def test_minutes_are_a_whole_number_within_reason(desk: Desk, minutes: str, code: str) -> None:
    assert desk.refused(SPLIT, minutes=minutes) == (code, "--minutes")


def test_a_customer_zone_must_exist(desk: Desk) -> None:
    code, answer = desk.due(SPLIT, "2026-03-02T09:00Z", 1, "--customer-zone", "Mars/Olympus")
    assert (code, answer["error"]["code"], answer["error"]["where"]) == (2, "zone_unknown", "--customer-zone")


@pytest.mark.parametrize(
    ("line", "code", "where"),
    [
        (("--json",), "argument_missing", "--hours"),
        (("--json", "--hours", "x.json"), "argument_missing", "--from"),
        (("--json", "--hours", "/nowhere/x.json", "--from", "2026-01-01T00:00Z", "--minutes", "1"), "file_unreadable", ""),
        (("--json", "--hours", "/", "--from", "2026-01-01T00:00Z", "--minutes", "1"), "file_unreadable", ""),
        (("--json", "--hour", "x.json"), "command_line_malformed", ""),
        (("--json", "--minutes"), "command_line_malformed", ""),
    ],
)
def test_a_wrong_line_of_arguments_is_answered_in_json_too(desk: Desk, line: tuple[str, ...], code: str, where: str) -> None:
    exit_code, out, err = desk.run(*line)
    answer = json.loads(out)["error"]
    assert (exit_code, err, answer["code"]) == (2, "", code)
    assert answer["where"].startswith(where)


def test_without_json_a_person_reads_lines_and_errors_go_to_standard_error(desk: Desk) -> None:
    desk.file.write_text(SPLIT, "utf-8")
    line = ("--hours", str(desk.file), "--minutes", "1")
    code, out, err = desk.run(*line, "--from", "2026-03-02T09:00+08:00")
    assert (code, err) == (0, "")
    assert "2026-03-02T09:01:00+08:00" in out
    code, out, err = desk.run(*line, "--from", "2026-03-02T09:00", "--lang", "zh-CN")
    assert (code, out) == (2, "")
    assert err.startswith("--from: ") and "时差" in err


def test_an_output_that_cannot_carry_chinese_gets_escapes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    desk.run("--json", "--lang", "zh-CN")
    sys.stdout.flush()
    assert json.loads(raw.getvalue())["error"]["message"] == message_for("zh-CN", "argument_missing")


def test_every_code_has_words_in_both_languages() -> None:
    modules = (command, json_file, *(sys.modules[f"yingda.conversations.{name}"] for name in ("due", "hours", "overlap")))
    calls = (node for module in modules for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call))
    codes = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Refused" and isinstance(call.args[0], ast.Constant)
    }
    assert len(codes) > 20
    for code in codes:
        assert message_for("en", code) != message_for("zh-CN", code)


def test_the_hours_of_the_demo_desk_are_hours() -> None:
    file = Path(yingda.conversations.hours.__file__).parent / "data" / "hours.json"
    assert parse_hours(json_file.read_json(file).data).zone.key == "Asia/Shanghai"
