"""Imports go downwards only: the right column of the layout in docs/ARCHITECTURE.md, as data."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.source import PACKAGE, Python, none_of, python

GROUND = {"clock", "config", "errors", "chance", "words"}
HEART = GROUND | {"db", "jobs", "people", "conversations"}
FEATURES = {"knowledge", "wallet", "workforce", "routing", "answers", "cases", "quality", "outreach", "trust", "insight"}
WIRED = HEART | FEATURES | {"channels", "wiring"}

MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(GROUND, GROUND),
    "db": GROUND,
    "jobs": GROUND | {"db"},
    "people": GROUND | {"db", "jobs"},
    "conversations": GROUND | {"db", "jobs", "people"},
    "knowledge": HEART,
    "wallet": HEART,
    "workforce": HEART,
    "routing": HEART | {"workforce"},
    "answers": HEART | {"knowledge", "wallet"},
    "cases": HEART | {"wallet"},
    "quality": HEART | {"knowledge"},
    "outreach": HEART | {"knowledge"},
    "trust": HEART,
    "insight": HEART,
    "channels": HEART,  # never a feature; and no feature ever imports a channel
    "wiring": HEART | FEATURES | {"channels"},
    "web": WIRED,
    "sim": WIRED | {"web"},
    "commands": WIRED | {"web", "sim"},
    "__main__": WIRED | {"web", "sim", "commands"},
}


def imported_modules(file: Python) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything of ours that `file` imports, inside functions and type-checking blocks too.

    `from yingda.db import desk` yields `yingda.db.desk`: whether `desk` is a module or a name makes no difference to folders.
    """
    for node in file.nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = absolute_start(file, node)
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "yingda")


def absolute_start(file: Python, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = file.module.split(".") if file.place.endswith("__init__.py") else file.module.split(".")[:-1]
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def wrong_imports(file: Python) -> Iterator[str]:
    if not file.parts:  # the package's own __init__ holds the version and imports nothing of ours
        yield from (f"{file.place}:{line} imports {name}" for line, name in imported_modules(file))
        return
    folder = file.parts[0]
    if folder not in MAY_IMPORT:
        yield f"{file.place}: `{folder}` has no line in MAY_IMPORT"
        return
    for line, name in imported_modules(file):
        target = name.split(".")[1] if "." in name else ""
        is_name_of_package = target in {"", "__version__"}
        if not is_name_of_package and target != folder and target not in MAY_IMPORT[folder]:
            yield f"{file.place}:{line} imports {name}"


def other_channels(file: Python) -> Iterator[str]:
    """A channel's folder stands alone, so that the next one can be copied from it."""
    if file.parts[:1] != ("channels",) or len(file.parts) < 2:
        return
    own = file.parts[1]
    folders = {path.name for path in (PACKAGE / "channels").iterdir() if path.is_dir()}
    if own not in folders:
        return
    for line, name in imported_modules(file):
        target = name.split(".")[2:3]
        if name.startswith("yingda.channels.") and target and target[0] in folders - {own}:
            yield f"{file.place}:{line} imports {name}"


def bare_inner_imports(file: Python) -> Iterator[str]:
    """Imports inside functions with no comment on their line or the line above."""
    lines = file.text.splitlines()
    functions = (n for n in file.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                around = lines[max(node.lineno - 2, 0) : node.end_lineno]
                if not any("#" in line for line in around):
                    yield f"{file.place}:{node.lineno}"


def test_imports_go_downwards_only() -> None:
    none_of(
        (finding for file in python(PACKAGE) for finding in wrong_imports(file)),
        "Move the code down, hand it over as a fact that wiring.py follows, or (if the layout is wrong) change MAY_IMPORT "
        "and docs/ARCHITECTURE.md in the same commit",
    )


def test_no_channel_imports_another_channel() -> None:
    none_of(
        (finding for file in python(PACKAGE) for finding in other_channels(file)),
        "Move what two channels share up into channels/intake.py, channels/outbox.py or the heart",
    )


def test_an_import_inside_a_function_says_why() -> None:
    none_of(
        (finding for file in python(PACKAGE) for finding in bare_inner_imports(file)),
        "Move the import to the top of the file, or say in a comment on or above its line why it cannot stand there",
    )


def test_the_rule_sees_absolute_relative_and_inner_imports() -> None:
    for text in (
        "from yingda.routing import lease",
        "import yingda.routing.lease",
        "from yingda import routing",
        "from ..routing import lease",
        "def f() -> None:\n    from yingda import web",
    ):
        assert list(wrong_imports(Python("src/yingda/channels/outbox.py", text))), text
    assert not list(
        wrong_imports(Python("src/yingda/routing/lease.py", "from yingda.workforce import shift\nfrom . import queue"))
    )
    assert list(wrong_imports(Python("src/yingda/elsewhere/new.py", "")))


def test_the_rule_sees_an_inner_import_without_a_reason() -> None:
    assert list(bare_inner_imports(Python("src/yingda/x.py", "def f() -> None:\n    x = 1\n    import csv\n")))
    assert not list(bare_inner_imports(Python("src/yingda/x.py", "def f() -> None:\n    # slow to load\n    import csv\n")))
