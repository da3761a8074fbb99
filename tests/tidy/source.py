"""The repository as the rules see it: every file read and parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "yingda"
WEB = PACKAGE / "web"

# What tools and users leave in a working tree; none of it is ours to judge.
NOT_OURS = {".git", ".venv", ".cache", "data", "build", "dist", "node_modules", "__pycache__"}
NOT_OURS |= {".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


@dataclass(frozen=True)
class Python:
    """One Python file. `place` is its path below the repository, with forward slashes."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.place)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def parts(self) -> tuple[str, ...]:
        """Path below `src/yingda` without suffix: ("db", "desk"); a package's `__init__` stands for the package."""
        parts = Path(self.place.removeprefix("src/yingda/")).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def module(self) -> str:
        return ".".join(("yingda", *self.parts))

    @cached_property
    def docstrings(self) -> set[int]:
        """The ids of the nodes that are docstrings: prose, which rules about code leave alone."""
        owners = (n for n in self.nodes if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef))
        firsts = (owner.body[0] for owner in owners if owner.body)
        return {id(f.value) for f in firsts if isinstance(f, ast.Expr) and isinstance(f.value, ast.Constant)}

    def literals(self) -> Iterator[tuple[int, str]]:
        """(line, text) of every string in the code that is not a docstring, pieces of f-strings included."""
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in self.docstrings:
                yield node.lineno, node.value


@lru_cache(maxsize=1)
def all_files() -> tuple[Path, ...]:
    """Every file of the repository, sorted, without what tools left behind."""
    found: list[Path] = []
    folders = [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if path.name in NOT_OURS or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found.append(path)
    return tuple(sorted(found))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def below(folder: Path, *suffixes: str) -> list[Path]:
    """Files under `folder` with one of the suffixes (any when none is named)."""
    return [p for p in all_files() if p.is_relative_to(folder) and (not suffixes or p.suffix in suffixes)]


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@cache
def python(folder: Path) -> tuple[Python, ...]:
    return tuple(Python(place(path), read(path)) for path in below(folder, ".py"))


def own_scripts() -> list[Path]:
    """Our JavaScript; files under `vendor/` are other people's, kept as they came."""
    return [p for p in below(PACKAGE, ".js") if "vendor" not in p.parts]


def none_of(findings: Iterable[str], advice: str) -> None:
    """Fail with the findings, one a line, and what to do about them."""
    __tracebackhide__ = True
    found = sorted(findings)
    if found:
        pytest.fail("\n  ".join([f"{advice} ({len(found)} found)", *found]), pytrace=False)
