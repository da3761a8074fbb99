"""No file that nothing uses: every module is imported, every page rendered, every asset asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tests.tidy.source import PACKAGE, WEB, Python, below, none_of, place, python, read
from tests.tidy.test_imports import imported_modules

ENTRIES = {"yingda.__main__"}


def used_names(files: Iterable[Python]) -> set[str]:
    """Every dotted name that some other file imports, and every string that is one.

    A command may be loaded by name (`import_module("yingda.commands.check")`), so that starting one does not load them all.
    """
    used: set[str] = set()
    for file in files:
        used.update(name for _, name in imported_modules(file) if name != file.module)
        used.update(text for _, text in file.literals() if text.startswith("yingda."))
    return used


def dead_modules(files: Iterable[Python]) -> list[str]:
    files = list(files)
    used = used_names(files)
    # `from yingda.db.desk import Desk` uses yingda.db.desk; `from yingda.db import desk` does too.
    used |= {name.rsplit(".", 1)[0] for name in used}
    modules = (file for file in files if not file.place.endswith("__init__.py") and file.module not in ENTRIES)
    return [file.place for file in modules if file.module not in used]


FILE_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)+")


@cache
def named_in(*suffixes: str) -> frozenset[str]:
    """Everything in the package's Python files, and in its files with these suffixes, that looks like a file's name."""
    return frozenset(name for path in below(PACKAGE, ".py", *suffixes) for name in FILE_NAME.findall(read(path)))


def unnamed(files: list[Path], named: frozenset[str]) -> list[str]:
    return [place(path) for path in files if path.name not in named]


def test_every_module_is_imported_or_is_a_command() -> None:
    none_of(dead_modules(python(PACKAGE)), "Delete the module, or use it")


def test_every_template_is_rendered_or_included() -> None:
    templates = below(WEB / "templates")
    none_of(unnamed(templates, named_in(".html", ".jinja")), "Delete the template, or render it")


def test_every_static_file_is_asked_for() -> None:
    files = [path for path in below(WEB / "static") if "LICENSE" not in path.name.upper()]
    none_of(
        unnamed(files, named_in(".html", ".jinja", ".js", ".css", ".json", ".webmanifest")),
        "Delete the file, or name it in the page, style or script that needs it",
    )


def test_what_others_wrote_lies_with_its_licence() -> None:
    vendored = [path for path in below(WEB / "static") if "vendor" in path.parts]
    licensed = {path.parent for path in vendored if "LICENSE" in path.name.upper()}
    none_of((place(p) for p in vendored if p.parent not in licensed), "Put the file's licence beside it, named …LICENSE…")


def test_the_rule_sees_a_module_that_nothing_imports() -> None:
    one = Python("src/yingda/db/one.py", "from yingda.db import two")
    two = Python("src/yingda/db/two.py", "from yingda.db import two")
    three = Python("src/yingda/db/three.py", "from yingda.db.one import x")
    assert dead_modules([one, two, three]) == ["src/yingda/db/three.py"]
    assert dead_modules([two]) == ["src/yingda/db/two.py"]
