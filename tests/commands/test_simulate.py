"""`yingda simulate`, as other programs call it: arguments, one JSON object, an exit code."""

from __future__ import annotations

import json

import pytest

from yingda.commands import simulate as command
from yingda.commands.out import Parser
from yingda.db.embedded import Server

KEYS = [
    "seed", "scenario", "arrivals", "arrivals_per_hour", "messages", "answered_by_bot", "answered_by_person", "callbacks_made",
    "callbacks_kept", "promises_broken", "unanswered", "open_promises", "violations", "wait_seconds", "digest",
    "conversations_per_real_second", "simulated_hours_per_real_minute",
]  # fmt: skip
EIGHT = {"kept", "taken", "promised", "moved_on", "owned", "delivered", "reconciled", "watched"}
SHORT = ("--scenario", "double_eleven", "--days", "0.003", "--arrivals-per-hour", "200", "--agents", "6")


def run(*line: str) -> int:
    parser = Parser(prog="yingda")
    command.add(parser.add_subparsers(required=True))
    args = parser.parse_args(["simulate", *line])
    return args.run(args)


def test_it_prints_one_object_with_the_keys_of_the_contract(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("--seed", "7", *SHORT, "--database", server.url, "--json")
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert list(answer) == KEYS
    assert code == 0, said.err
    assert (answer["seed"], answer["scenario"], answer["unanswered"], answer["answered_by_bot"]) == (7, "double_eleven", 0, 0)
    assert answer["violations"].keys() >= EIGHT
    assert answer["violations"]["owned"] is None and answer["violations"]["reconciled"] is None
    assert set(answer["wait_seconds"]) == {"p50", "p90", "p99"}
    assert len(answer["digest"]) == 64
    assert "faults:" in said.err


def test_a_fault_that_is_built_in_ends_with_one_and_a_story(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("--seed", "7", "--days", "0.1", "--mutate", "skip_sweep", "--database", server.url, "--json")
    said = capsys.readouterr()
    assert code == 1
    assert sum(count or 0 for count in json.loads(said.out)["violations"].values()) == 1
    assert "The last steps:" in said.err
    assert "tick" in said.err


@pytest.mark.parametrize(
    ("line", "code", "where"),
    [
        (["--scenario", "everything"], "scenario_unknown", "quiet_night|double_eleven"),
        (["--scenario", "channel_down"], "scenario_unknown", "quiet_night|double_eleven"),
        (["--mutate", "lose_lease"], "mutation_unknown", "skip_sweep|ack_before_commit"),
        (["--mutate", "nothing"], "mutation_unknown", "skip_sweep|ack_before_commit"),
        (["--seed", "x"], "number_malformed", "--seed"),
        (["--seed", "1.5"], "number_malformed", "--seed"),
        (["--seed", "-1"], "number_out_of_range", "--seed"),
        (["--days", "0"], "number_out_of_range", "--days"),
        (["--days", "nan"], "number_out_of_range", "--days"),
        (["--days", "1e9"], "number_out_of_range", "--days"),
        (["--arrivals-per-hour", "-3"], "number_out_of_range", "--arrivals-per-hour"),
        (["--arrivals-per-hour", "inf"], "number_out_of_range", "--arrivals-per-hour"),
        (["--agents", "two"], "number_malformed", "--agents"),
        (["--agents", "1001"], "number_out_of_range", "--agents"),
    ],
)
def test_bad_input_is_answered_with_two_and_what_is_wrong(
    line: list[str], code: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for language in ("en", "zh-CN"):
        assert run(*line, "--lang", language, "--json") == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["code"] == code
        assert where in error["where"]
        assert error["message"]
        assert ("lose_lease" in error["message"]) == (code == "mutation_unknown")
