"""A JSON file from a person's hands, read strictly, with the line on which every value stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from yingda.errors import Refused

FILE_BYTES_MAX = 1_000_000
DEPTH_MAX = 32
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class JsonFile:
    """`lines` gives the line (from 1) of each path, written as `weekly.fri[1]`; of a key, the line of the key itself."""

    data: object
    lines: dict[str, int]

    def locate(self, error: Refused) -> Refused:
        """The same refusal with the line in front of its path; a key that is missing is looked for in its object."""
        line = self.line(error.where)
        return Refused(error.code, f"line {line}, {error.where}" if error.where else f"line {line}", error.detail, error.status)

    def line(self, path: str) -> int:
        """The line of `path`, or of the nearest thing around it."""
        while path not in self.lines and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def read_json(path: Path) -> JsonFile:
    """Read UTF-8 JSON, with or without a byte order mark, at most 1 MB.

    Raises Refused: `file_unreadable`, `file_too_large`, `not_utf8`, `json_malformed`, `json_too_deep`, `key_twice`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with U+0000
        raise Refused("file_unreadable", str(path), str(error)) from None
    if len(raw) > FILE_BYTES_MAX:
        raise Refused("json_too_large", str(path))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", f"line {_line_of(raw, error.start)}") from None
    return JsonFile(_load(text), _lines(text))


def _line_of(raw: bytes, offset: int) -> int:
    return raw[:offset].count(b"\n") + 1


def _load(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Refused("json_malformed", f"line {error.lineno}", error.msg) from None
    except RecursionError:
        raise Refused("json_too_deep", "line 1") from None
    except ValueError as error:  # NaN and Infinity, and whole numbers of more digits than Python reads
        raise Refused("json_malformed", "line 1", str(error)) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _lines(text: str) -> dict[str, int]:
    """Walk the tokens of valid JSON. The standard parser keeps the last of two equal keys and no positions."""
    lines: dict[str, int] = {}
    stack: list[_Open] = []
    line, seen = 1, 0
    for token in TOKEN.finditer(text):
        line, seen = line + text.count("\n", seen, token.start()), token.start()
        word = token.group()
        if word in "}]":
            stack.pop()
        elif word == ",":
            stack[-1].next()
        elif word != ":":
            path = stack[-1].path_of(word) if stack else ""
            if stack and stack[-1].at_key:
                if path in stack[-1].members:
                    raise Refused("key_twice", f"line {line}, {path}")
                stack[-1].took_key(path)
            lines.setdefault(path, line)
            if word in "{[":
                stack.append(_Open(path, is_object=word == "{"))
        if len(stack) > DEPTH_MAX:
            raise Refused("json_too_deep", f"line {line}")
    return lines


class _Open:
    """An object or list that is being walked: what path the next token has."""

    def __init__(self, path: str, is_object: bool) -> None:
        self.path, self.is_object = path, is_object
        self.at_key, self.index, self.member = is_object, 0, path
        self.members: set[str] = set()

    def path_of(self, word: str) -> str:
        if not self.is_object:
            return f"{self.path}[{self.index}]"
        if not self.at_key:
            return self.member
        key = json.loads(word)
        return f"{self.path}.{key}" if self.path else str(key)

    def took_key(self, member: str) -> None:
        self.at_key, self.member = False, member
        self.members.add(member)

    def next(self) -> None:
        self.index += 1
        self.at_key = self.is_object
