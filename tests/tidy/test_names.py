"""What stands in no file and in no file's name: other people's hosts, one machine's paths, and names that name nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.tidy.source import ROOT, all_files, below, none_of, place, read

TEXT = re.compile(r"(?:^|/)[^.]+$|\.(?:py|sql|js|css|html|jinja|md|toml|lock|po|json|sh|txt|cfg|yml|webmanifest)$")
# Where packages come from is decided by the machine that installs them.
HOSTS = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|unpkg\.com|jsdelivr\.net|cdnjs\.)|(?<!\S)--(?:extra-)?index-url[=\s]"
)
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:work|root|home/[a-z]\w*|Users/\w+|tmp/venv)/")
EMPTY_NAMES = {"manager", "managers", "service", "services", "helper", "helpers", "util", "utils", "base", "common", "misc"}
# The web platform's own word for the script that works offline.
TERMS = {"service_worker", "service-worker"}


def is_ours(where: str) -> bool:
    return "/vendor/" not in where and not where.startswith("tests/tidy/") and where != "LICENSE"


def foreign_places(where: str, text: str) -> Iterator[str]:
    for pattern in (HOSTS, MACHINE_PATHS):
        for match in pattern.finditer(text):
            yield f"{where}:{text.count(chr(10), 0, match.start()) + 1} {match.group()}"


def empty_names(where: str) -> bool:
    stem = where.rsplit("/", 1)[-1].split(".")[0]
    folders = where.split("/")[:-1]
    words = {word for name in (stem, *folders) if name not in TERMS for word in re.split(r"[_\-]", name.lower())}
    return bool(words & EMPTY_NAMES)


def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    texts = ((place(path), path) for path in all_files() if TEXT.search(place(path)))
    none_of(
        (finding for where, path in texts if is_ours(where) for finding in foreign_places(where, read(path))),
        "Leave the host to the installing machine; take paths from settings, arguments or the file's own folder",
    )


def test_every_file_is_named_after_what_it_is() -> None:
    files = [place(path) for folder in ("src", "tests", "benchmarks") for path in below(ROOT / folder)]
    none_of(
        (where for where in files if is_ours(where) and empty_names(where)),
        "Name the file after a noun of docs/glossary.md: manager, service, helper, util, base and common say nothing",
    )


def test_the_rule_sees_hosts_paths_and_empty_names() -> None:
    for text in (
        "https://" + "pypi" + ".org/simple",
        "--index-url https://x",
        "'/" + "root/x'",
        "cd /" + "work/main",
        "/tmp/venv/bin",
        "/home/ann/x",
    ):
        assert list(foreign_places("x", text)), text
    for text in ("/work-items/1", "~/" + "root/", "a/" + "root/b", "/homepage", "/roots/x", "GET /work"):
        assert not list(foreign_places("x", text)), text
    assert empty_names("src/yingda/db/db_utils.py")
    assert not empty_names("src/yingda/web/static/service_worker.js")
    assert not empty_names("src/yingda/db/database.py")
