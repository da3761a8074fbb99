"""SQL is written down, never put together: no words of a customer can become part of a statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.tidy.source import PACKAGE, Python, none_of, python

RUNNERS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany", "cursor"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")

# Files whose statements cannot be a literal, and why. It may only shrink, unless the reason is as good as these.
EXCEPTIONS = {
    "src/yingda/db/migrate.py": "runs the numbered files of db/migrations, and SET takes no parameters",
    "src/yingda/db/readiness.py": "CREATE ROLE and CREATE DATABASE take no parameters; names are constants, the password checked",
    "src/yingda/sim/database.py": "CREATE and DROP DATABASE take no parameters; the names are made here",
}


def module_constants(file: Python) -> set[str]:
    """Names in capitals that the module gives a value (from literals and other constants) or imports."""
    names: set[str] = set()
    for node in file.tree.body:
        if isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return {name for name in names if CONSTANT.fullmatch(name)}


def is_written_down(node: ast.expr, constants: set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id in constants
    if isinstance(node, ast.Attribute):  # module.CONSTANT
        return bool(CONSTANT.fullmatch(node.attr))
    if isinstance(node, ast.IfExp):
        return is_written_down(node.body, constants) and is_written_down(node.orelse, constants)
    if isinstance(node, ast.Subscript):  # BY_KIND[kind]: one of several statements, all written down
        return is_written_down(node.value, constants)
    return False


def calls_in_scopes(file: Python) -> Iterator[tuple[ast.Call, Function | None, set[str]]]:
    """Every call with the outermost function it stands in (None: at the module's level) and the statements chosen there."""
    constants = module_constants(file)
    owners: list[ast.Module | ast.ClassDef] = [file.tree, *(node for node in file.tree.body if isinstance(node, ast.ClassDef))]
    inside: set[int] = set()
    for function in (node for owner in owners for node in owner.body if isinstance(node, FUNCTIONS)):
        nodes = list(ast.walk(function))
        inside.update(map(id, nodes))
        known = constants | chosen_locals(nodes, constants)
        yield from ((node, function, known) for node in nodes if isinstance(node, ast.Call))
    yield from ((node, None, constants) for node in file.nodes if isinstance(node, ast.Call) and id(node) not in inside)


def chosen_locals(nodes: list[ast.AST], constants: set[str]) -> set[str]:
    """Local names that are only ever given statements that are written down: a choice between them is no building."""
    given: dict[str, list[ast.expr]] = {}
    simple: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            given.setdefault(node.targets[0].id, []).append(node.value)
            simple.add(id(node.targets[0]))
    otherwise = {node.arg for node in nodes if isinstance(node, ast.arg)}
    otherwise |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in simple}
    chosen = {name for name, values in given.items() if all(is_written_down(value, constants) for value in values)}
    return chosen - otherwise


def passed_through(node: ast.expr, function: Function | None) -> tuple[str, int] | None:
    """(name, place of the argument) when a private function of the module runs the statement its caller gives it."""
    if function is None or not isinstance(node, ast.Name) or not function.name.startswith("_"):
        return None
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return (function.name, names.index(node.id)) if node.id in names and "self" not in names else None


def built_statements(file: Python) -> Iterator[str]:
    calls = list(calls_in_scopes(file))
    runners: dict[str, int] = {}
    for node, function, known in calls:
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in RUNNERS and node.args):
            continue
        if through := passed_through(node.args[0], function):
            runners[through[0]] = through[1]
        elif not is_written_down(node.args[0], known):
            yield f"{file.place}:{node.lineno} .{node.func.attr}({ast.unparse(node.args[0])[:60]}"
    for node, _, known in calls:
        at = runners.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if at is not None and not (len(node.args) > at and is_written_down(node.args[at], known)):
            yield f"{file.place}:{node.lineno} {ast.unparse(node)[:60]}"


def writes(file: Python) -> Iterator[str]:
    pattern = re.compile(r"\b(?:insert\s+into|update\s+[\w.\"]+\s+(?:as\s+\w+\s+)?set|delete\s+from|truncate)\b", re.IGNORECASE)
    yield from (f"{file.place}:{line}" for line, text in file.literals() if pattern.search(text))


def test_statements_are_literals_or_module_constants() -> None:
    none_of(
        (finding for file in python(PACKAGE) if file.place not in EXCEPTIONS for finding in built_statements(file)),
        "Write the statement as a literal or a constant of the module, in capitals, and hand values in as $1, $2 …",
    )


def test_each_exception_still_needs_to_be_one() -> None:
    files = {file.place: file for file in python(PACKAGE)}
    none_of(
        (name for name in EXCEPTIONS if name in files and not list(built_statements(files[name]))),
        "Remove these from EXCEPTIONS: all their statements are written down",
    )


def test_pages_change_nothing_by_themselves() -> None:
    none_of(
        (finding for file in python(PACKAGE / "web") for finding in writes(file)),
        "web/ holds no SQL that writes: call the door of the folder that owns the table",
    )


def test_the_rule_sees_statements_that_are_put_together() -> None:
    for argument in ("f'select {x}'", "'select ' + x", "'select %s' % x", "'select {}'.format(x)", "statement"):
        assert list(built_statements(Python("src/yingda/x.py", f"async def f():\n    await tx.fetch({argument}, 1)"))), argument
    good = "ONE = 'select 1'\nasync def f():\n    await tx.fetch(ONE)\n"
    good += "    await tx.execute('select $1', x)\n    await tx.fetch(sql.TWO)"
    assert not list(built_statements(Python("src/yingda/x.py", good)))
    choice = "async def f(x):\n    query = 'select 1' if x else 'select 2'\n    await tx.fetch(query)\n"
    assert not list(built_statements(Python("src/yingda/x.py", choice)))
    assert list(built_statements(Python("src/yingda/x.py", choice + "    query += x")))
    assert list(built_statements(Python("src/yingda/x.py", choice.replace("f(x)", "f(x, query)"))))
    through = "async def _ids(tx, query):\n    return await tx.fetch(query)\nasync def f(x):\n    await _ids(tx, {})"
    assert not list(built_statements(Python("src/yingda/x.py", through.format("'select 1'"))))
    assert list(built_statements(Python("src/yingda/x.py", through.format("x"))))
    assert list(writes(Python("src/yingda/web/x.py", "X = 'UPDATE promise SET due = $1'")))
