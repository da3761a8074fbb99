"""Import keeps links and images, and names what needs a person; export writes the same folder again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yingda.__main__ import build_parser
from yingda.errors import Refused
from yingda.knowledge.importing import export_folder, import_folder

START = """---
title: 开始使用
tags: [入门]
---
# 开始

先看[充值](./pay/top-up.md#steps)和[常见问题][faq]，或去[官网](https://wallet.example/)。

![首页上的充值按钮](img/home%20page.png)
"""
TOP_UP = """# Top up

Back to [the start](../start) or [write](mailto:help@wallet.example). [Form](../form.pdf)

![QR](/img/code.png)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything in it can be kept."""
    files = {
        "start.md": START.encode(),
        "pay/top-up.md": TOP_UP.encode(),
        "faq.markdown": b"# Questions\n\nAnswers.\n",
        "img/home page.png": b"\x89PNG 1",
        "img/code.png": b"\x89PNG 2",
        "img/unused.png": b"\x89PNG 3",
        "form.pdf": b"%PDF",
    }
    for name, data in files.items():
        path = tmp_path / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "old"


def findings(folder: Path) -> set[tuple[str, str, str]]:
    return {(finding.code, finding.where, finding.what) for finding in import_folder(folder).findings}


def test_a_folder_that_is_well_kept_needs_nobody(folder: Path):
    imported = import_folder(folder)
    assert imported.findings == ()
    assert [(page.file, page.title) for page in imported.pages] == [
        ("faq.markdown", "Questions"), ("pay/top-up.md", "Top up"), ("start.md", "开始使用"),
    ]  # fmt: skip
    assert set(imported.files) == {"img/home page.png", "img/code.png", "form.pdf"}


def test_a_link_by_name_alone_becomes_a_real_one(folder: Path):
    (folder / "pay" / "fees.md").write_text(
        "# Fees\n\nSee [help][faq], [own][mine] and `[x][y]`.\n\n[mine]: https://wallet.example/\n"
    )
    bodies = {page.file: page.body for page in import_folder(folder).pages}
    assert "[常见问题](faq.markdown)" in bodies["start.md"]
    assert "[help](../faq.markdown)" in bodies["pay/fees.md"]
    assert "[own][mine]" in bodies["pay/fees.md"]


def test_what_is_exported_is_imported_as_the_same(folder: Path, tmp_path: Path):
    first = import_folder(folder)
    export_folder(first, tmp_path / "new")
    again = import_folder(tmp_path / "new")
    assert again.pages == first.pages
    assert again.findings == ()
    assert {name: path.read_bytes() for name, path in again.files.items()} == {
        name: path.read_bytes() for name, path in first.files.items()
    }
    assert not (tmp_path / "new" / "img" / "unused.png").exists()
    assert again.pages[2].front == {"title": "开始使用", "tags": ["入门"]}


BROKEN = """# Broken

[gone](gone.md) [undefined][nowhere] [out](../secret.txt)
![](img/code.png) ![lost](img/lost.png) ![far](https://elsewhere.example/a.png)

!!! tip
    A box of another system. :material-wallet:

<div>raw</div>
"""


def test_each_thing_that_cannot_be_kept_is_named(folder: Path):
    (folder.parent / "secret.txt").write_text("not part of the help centre")
    (folder / "broken.md").write_text(BROKEN)
    assert findings(folder) == {
        ("link_broken", "broken.md", "gone.md"),
        ("link_undefined", "broken.md", "nowhere"),
        ("outside_folder", "broken.md", "../secret.txt"),
        ("image_without_words", "broken.md", "img/code.png"),
        ("image_missing", "broken.md", "img/lost.png"),
        ("image_elsewhere", "broken.md", "https://elsewhere.example/a.png"),
        ("foreign_syntax", "broken.md", "!!! :material-wallet:"),
        ("html_inside", "broken.md", ""),
    }


def test_pages_that_are_hardly_pages_are_named_and_stop_nothing(folder: Path):
    (folder / "latin.md").write_bytes("# Über\n".encode("latin-1"))
    (folder / "empty.md").write_bytes(b"")
    (folder / "front.md").write_text("---\n: [\n---\n# Front\n\nwords\n")
    (folder / "twin.md").write_text("# Questions\n\nMore answers.\n")
    (folder / "old.html").write_text("<h1>Old</h1><p>words</p>")
    assert findings(folder) == {
        ("unreadable", "latin.md", "not_utf8"),
        ("empty", "empty.md", ""),
        ("title_missing", "empty.md", ""),
        ("front_malformed", "front.md", ""),
        ("title_twice", "faq.markdown", "Questions"),
        ("title_twice", "twin.md", "Questions"),
        ("not_markdown", "old.html", ""),
    }


def test_a_link_out_of_the_folder_by_way_of_a_symbolic_link_is_not_followed(folder: Path):
    (folder.parent / "secret.txt").write_text("not part of the help centre")
    (folder / "inside.txt2").symlink_to(folder.parent / "secret.txt")
    (folder / "way.md").write_text("# Way\n\n[x](inside.txt2)\n")
    imported = import_folder(folder)
    assert [(f.code, f.where) for f in imported.findings] == [("outside_folder", "way.md")]
    assert "inside.txt2" not in imported.files


def test_export_overwrites_nothing_and_leaves_nothing_half_done(folder: Path, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.md").write_text("mine")
    imported = import_folder(folder)
    with pytest.raises(Refused, match="folder_not_empty"):
        export_folder(imported, tmp_path / "full")
    (folder / "form.pdf").unlink()
    with pytest.raises(Refused, match="file_unwritable"):
        export_folder(imported, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "old"]


def test_the_command_reports_and_writes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def run(*line: str) -> tuple[int, dict]:
        args = build_parser().parse_args(["import", *line, "--json"])
        return args.run(args), json.loads(capsys.readouterr().out)

    code, said = run(str(folder), "--out", str(tmp_path / "new"))
    assert (code, said) == (0, {"pages": 3, "files": 3, "counts": {}, "findings": []})
    (folder / "broken.md").write_text("# B\n\n[gone](gone.md)\n")
    code, said = run(str(folder))
    assert code == 1
    assert said["counts"] == {"link_broken": 1}
    assert said["findings"] == [{"code": "link_broken", "where": "broken.md", "what": "gone.md"}]
    code, said = run(str(folder), "--out", str(tmp_path / "new"))
    assert (code, said["error"]["code"]) == (2, "folder_not_empty")
    code, said = run(str(tmp_path / "none"))
    assert (code, said["error"]["code"]) == (2, "file_unreadable")
