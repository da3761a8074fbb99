"""A piece that outgrows these sizes is asking to be two. Aim for 150 lines a file, 20 a function, 5 parameters, 3 levels."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from tests.tidy.source import PACKAGE, Python, none_of, own_scripts, place, python, read

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
PARAMETERS_MAX = 7
NESTING_MAX = 5

# Known offenders, as measured: "what place": size. This list may only shrink: an entry that improved is lowered, one that
# is within the limit is removed. Nothing is ever added to it.
OFFENDERS: dict[str, int] = {}

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def nesting(node: ast.AST, level: int = 0) -> int:
    """How many blocks stand inside each other. `elif` is no deeper than its `if`; an inner function starts anew."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = isinstance(child, BLOCKS) and not is_elif
        deepest = max(deepest, nesting(child, level + deeper))
    return deepest


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def named_functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            name = f"{prefix}{child.name}"
            if isinstance(child, FUNCTIONS):
                yield name, child
            yield from named_functions(child, f"{name}.")
        else:
            yield from named_functions(child, prefix)


def oversizes(file: Python) -> Iterator[tuple[str, int, int]]:
    """(what and where, size, limit) for everything above its limit in one file."""
    sizes = [(f"lines of {file.place}", len(file.text.splitlines()), FILE_LINES_MAX)]
    for name, function in named_functions(file.tree):
        where = f"{file.place}:{name}"
        assert function.end_lineno is not None
        sizes.append((f"lines of {where}", function.end_lineno - function.lineno + 1, FUNCTION_LINES_MAX))
        sizes.append((f"parameters of {where}", parameters(function), PARAMETERS_MAX))
        sizes.append((f"nesting of {where}", nesting(function), NESTING_MAX))
    yield from (entry for entry in sizes if entry[1] > entry[2])


@cache
def all_oversizes() -> dict[str, tuple[int, int]]:
    found = {what: (size, limit) for file in python(PACKAGE) for what, size, limit in oversizes(file)}
    for path in own_scripts():
        lines = len(read(path).splitlines())
        if lines > FILE_LINES_MAX:
            found[f"lines of {place(path)}"] = (lines, FILE_LINES_MAX)
    return found


def test_files_and_functions_keep_within_their_sizes() -> None:
    none_of(
        (
            f"{what}: {size}, at most {max(limit, OFFENDERS.get(what, 0))}"
            for what, (size, limit) in all_oversizes().items()
            if size > OFFENDERS.get(what, limit)
        ),
        "Cut the piece in two along a noun of docs/glossary.md",
    )


def test_the_list_of_offenders_only_shrinks() -> None:
    now = all_oversizes()
    none_of(
        (
            f"{what}: listed {listed}, now {now.get(what, (0, 0))[0]}"
            for what, listed in OFFENDERS.items()
            if now.get(what, (0, 0))[0] < listed
        ),
        "Well done: lower these entries of OFFENDERS to the new size, or remove those that are within the limit",
    )


def test_the_rule_measures_lines_parameters_and_nesting() -> None:
    long = "def f() -> None:\n" + "    x = 1\n" * FUNCTION_LINES_MAX
    wide = "def g(" + ", ".join(f"p{i}: int" for i in range(PARAMETERS_MAX + 1)) + ") -> None: ...\n"
    deep = (
        "def h() -> None:\n"
        + "".join("    " * i + "if x:\n" for i in range(1, NESTING_MAX + 2))
        + "    " * (NESTING_MAX + 2)
        + "pass\n"
    )
    found = [what for what, _, _ in oversizes(Python("src/yingda/x.py", long + wide + deep))]
    assert found == ["lines of src/yingda/x.py:f", "parameters of src/yingda/x.py:g", "nesting of src/yingda/x.py:h"]
    chain = "def f() -> None:\n    if a:\n        pass\n" + "    elif b:\n        pass\n" * 9
    assert not list(oversizes(Python("src/yingda/x.py", chain)))
