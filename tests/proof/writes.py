"""What in the code writes to the database: its statements, and the public doors that reach one, however deep."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.tidy.source import PACKAGE, Python, below, python, read
from tests.tidy.test_doors import names_bound

# Where doors stand. commands/ and web/ call them; db/ is the ground under them (append_event is `Tx.record`).
FOLDERS = ("conversations", "people", "jobs", "channels", "trust", "insight")
WRITE = re.compile(r"\b(?:insert\s+into|update\s+\w+\s+(?:\w+\s+)?set|delete\s+from|truncate)\b", re.IGNORECASE)
RECORD = "yingda.db.desk.Tx.record"
SQL_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\$\$(.*?)\$\$", re.DOTALL)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Function:
    name: str  # dotted, with its class
    is_door: bool  # public and a coroutine
    statements: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)  # dotted names, and ".name" for a method of something


@cache
def writing_functions_of_sql() -> frozenset[str]:
    """Functions in the migrations that write."""
    text = "\n".join(read(path) for path in below(PACKAGE / "db" / "migrations", ".sql"))
    return frozenset(name for name, body in SQL_FUNCTION.findall(text) if WRITE.search(body))


def writes(statement: str) -> bool:
    return bool(WRITE.search(statement)) or any(f"{name}(" in statement for name in writing_functions_of_sql())


def constants(file: Python) -> dict[str, str]:
    """Module constants that are statements."""
    return {
        target.id: node.value.value
        for node in file.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def functions(file: Python) -> Iterator[Function]:
    bound, known = names_bound(file), constants(file)
    local = {node.name for node in file.tree.body if isinstance(node, FUNCTIONS)}
    for owner, prefix in (
        (file.tree, ""),
        *((node, f"{node.name}.") for node in file.tree.body if isinstance(node, ast.ClassDef)),
    ):
        for node in owner.body:
            if not isinstance(node, FUNCTIONS):
                continue
            is_public = not node.name.startswith("_") and not prefix.startswith("_")
            found = Function(f"{file.module}.{prefix}{node.name}", is_public and isinstance(node, ast.AsyncFunctionDef))
            for inner in ast.walk(node):
                _note(found, inner, file.module, bound, known, local)
            yield found


def _note(found: Function, node: ast.AST, module: str, bound: dict[str, str], known: dict[str, str], local: set[str]) -> None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and writes(node.value):
        found.statements.add(node.value)
    elif isinstance(node, ast.Name) and node.id in known and writes(known[node.id]):
        found.statements.add(known[node.id])
    elif isinstance(node, ast.Name):  # a call, or handed on to be called
        found.calls.add(f"{module}.{node.id}" if node.id in local else bound.get(node.id, ""))
    elif isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id in bound:
            found.calls.add(f"{bound[node.value.id]}.{node.attr}")
        elif isinstance(node.value, ast.Name) and node.value.id == "self":
            found.calls.add(f"{found.name.rsplit('.', 1)[0]}.{node.attr}")
        elif isinstance(node.value, ast.Name) and node.value.id == "tx" and node.attr == "record":
            found.calls.add(RECORD)


@cache
def all_functions() -> dict[str, Function]:
    found = [f for folder in FOLDERS for file in python(PACKAGE / folder) for f in functions(file)]
    return {f.name: f for f in found}


@cache
def write_statements() -> frozenset[str]:
    """Every statement of the doors' folders that writes."""
    return frozenset(statement for f in all_functions().values() for statement in f.statements)


@cache
def writing_doors() -> frozenset[str]:
    """Public coroutine functions that write, by themselves or through what they call."""
    known = all_functions()
    writing = {name for name, f in known.items() if f.statements or RECORD in f.calls}
    while True:
        more = {name for name, f in known.items() if name not in writing and f.calls & writing}
        if not more:
            return frozenset(name for name in writing if known[name].is_door)
        writing |= more
