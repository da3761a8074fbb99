"""Every test asserts something: a test that cannot fail is worse than none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.source import ROOT, Python, none_of, python

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# `until` and `wait_until` fail when what they wait for does not come.
ASSERTING = {"raises", "warns", "fail", "expect", "none_of", "until", "wait_until"}


def callee(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def is_seen_on_the_page(node: ast.Call) -> bool:
    """`locator.wait_for()` fails when nothing shows; `asyncio.wait_for` only waits."""
    return isinstance(node.func, ast.Attribute) and node.func.attr == "wait_for" and ast.unparse(node.func.value) != "asyncio"


def asserts(function: ast.AST, functions: dict[str, ast.AST], seen: frozenset[str] = frozenset()) -> bool:
    """Whether it asserts itself, or calls a function that does: of the same file, or one named `assert_…`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = callee(node)
            if name in ASSERTING or name.startswith("assert_") or is_seen_on_the_page(node):
                return True
            if name in functions and name not in seen and asserts(functions[name], functions, seen | {name}):
                return True
    return False


def harmless_tests(file: Python) -> Iterator[str]:
    functions: dict[str, ast.AST] = {node.name: node for node in file.nodes if isinstance(node, FUNCTIONS)}
    for name, function in functions.items():
        if name.startswith("test_") and not asserts(function, functions, frozenset({name})):
            yield f"{file.place}:{name}"


def test_every_test_asserts_something() -> None:
    none_of(
        (finding for file in python(ROOT / "tests") for finding in harmless_tests(file)),
        "Assert what must be true afterwards (or name the function that asserts it assert_…)",
    )


def test_the_rule_sees_a_test_that_cannot_fail() -> None:
    assert list(harmless_tests(Python("tests/x.py", "def test_a():\n    run()")))
    assert not list(harmless_tests(Python("tests/x.py", "def run():\n    assert x\ndef test_a():\n    run()")))
    assert not list(harmless_tests(Python("tests/x.py", "def test_a():\n    with pytest.raises(E):\n        run()")))
