"""`yingda search`, as other programs call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yingda.__main__ import build_parser


class Search:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding)
        return path

    def run(self, *line: str) -> tuple[int, list[dict]]:
        try:
            args = build_parser().parse_args(["search", *line, "--json"])
            code = args.run(args)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        said = self.capsys.readouterr()
        assert said.err == ""
        return code, [json.loads(line) for line in said.out.splitlines()]

    def refused(self, *line: str) -> tuple[str, str]:
        code, (answer,) = self.run(*line)
        assert code == 2
        assert answer["error"]["message"]
        return answer["error"]["code"], answer["error"]["where"]


@pytest.fixture
def search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Search:
    search = Search(tmp_path, capsys)
    search.write("help/zh/转账/取消.md", "# 取消转账\n\n还在处理中的转账可以撤销。")
    search.write("help/zh/lost.txt", "手机丢了\n先锁定账户，再补办电话卡。")
    search.write(
        "help/en/fees.html", "<html><head><title>Fees</title></head><body><h1>Fees</h1><p>What a transfer costs</p></body></html>"
    )
    search.write("help/.drafts/secret.md", "# 手机\n\n草稿")
    search.write("help/image.svg", "<svg/>")
    return search


def test_one_text_one_object_with_the_keys_of_the_contract(search: Search):
    code, (answer,) = search.run("锁定", "--articles", str(search.folder / "help"))
    assert code == 0
    assert list(answer) == ["query", "results", "milliseconds"]
    assert answer["query"] == "锁定"
    assert [result["id"] for result in answer["results"]] == ["zh/lost"]
    assert set(answer["results"][0]) == {"id", "score"}
    assert answer["milliseconds"] >= 0


def test_a_page_is_named_by_its_path_without_its_ending(search: Search):
    where = str(search.folder / "help")
    assert search.run("撤销", "--articles", where)[1][0]["results"][0]["id"] == "zh/转账/取消"
    assert search.run("what does a transfer cost", "--articles", where)[1][0]["results"][0]["id"] == "en/fees"
    assert search.run("草稿", "--articles", where)[1][0]["results"] == []


@pytest.mark.parametrize("column", ["text", "query", "Title", "问题"])
def test_a_file_is_answered_line_by_line_in_order(search: Search, column: str):
    file = search.write("q.csv", f'label,{column}\nx,锁定\ny,\nz,"撤销"\n', "utf-8-sig")
    code, answers = search.run("--file", str(file), "--articles", str(search.folder / "help"), "--top", "1")
    assert code == 0
    assert [answer["query"] for answer in answers] == ["锁定", "", "撤销"]
    assert [[result["id"] for result in answer["results"]] for answer in answers] == [["zh/lost"], [], ["zh/转账/取消"]]


@pytest.mark.parametrize("query", ["--error", "-4i", "-", "--top-up", '"quoted', "(", "'; DROP TABLE x; --", "\udc80"])
def test_a_text_may_look_like_anything(search: Search, query: str):
    search.write("help/odd.txt", "--error -4i --top-up \"quoted ( '; DROP TABLE x; --")
    code, (answer,) = search.run(query, "--articles", str(search.folder / "help"))
    assert (code, answer["query"]) == (0, query)
    assert [result["id"] for result in answer["results"]][:1] == ([] if query == "\udc80" else ["odd"])


def test_what_is_missing_or_wrong_is_named(search: Search):
    where = str(search.folder / "help")
    file = search.write("q.csv", "label\nx\n")
    assert search.refused("a") == ("argument_missing", "--articles")
    assert search.refused("--articles", where) == ("search_what", "TEXT")
    assert search.refused("a", "--file", str(file), "--articles", where) == ("search_what", "TEXT")
    assert search.refused("a", "--articles", where + "/none") == ("file_unreadable", where + "/none")
    assert search.refused("a", "--articles", where, "--top", "0") == ("number_out_of_range", "--top")
    assert search.refused("a", "--articles", where, "--top", "many") == ("number_malformed", "--top")
    assert search.refused("--file", str(file), "--articles", where) == ("csv_no_text", f"{file}, line 1")
    (search.folder / "help" / "bad.md").write_bytes(b"\xff\xfe\xff")
    assert search.refused("a", "--articles", where) == ("not_utf8", where + "/bad.md")
