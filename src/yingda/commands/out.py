"""What every command prints: with `--json` one object on standard output, and everything else on standard error."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, NoReturn

from yingda import words
from yingda.errors import YingdaError

DONE, WRONG, BAD_INPUT = 0, 1, 2
"""Exit codes: done; done and something is wrong; bad input."""

WHERE_LENGTH_MAX = 200


class Parser(argparse.ArgumentParser):
    """The parser of all commands. A wrong command line with `--json` is answered by an error object as any other bad input."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})
        self._wants_json = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._wants_json = "--json" in (sys.argv[1:] if args is None else args)
        found, rest = super().parse_known_args(args, namespace)
        # Somebody looks for "--error" or "-4i": where a text is wanted and none is there, what is no option is the text.
        if len(rest) == 1 and getattr(found, "text", "") is None and getattr(found, "file", None) is None:
            found.text = rest.pop()
        return found, rest

    def error(self, message: str) -> NoReturn:
        if self._wants_json:
            print_error("command_line_malformed", message)
        else:
            self.print_usage(sys.stderr)
            print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


def add_desk_options(parser: argparse.ArgumentParser) -> None:
    """What every command takes that opens the desk's database."""
    parser.add_argument("--data", metavar="DIR", help="folder of the desk (default ./data)")
    parser.add_argument("--database", metavar="URL", help="your own PostgreSQL")
    parser.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def language(args: argparse.Namespace) -> str:
    """The language of what a person reads here: `--lang`, else the environment's, else English."""
    wanted = getattr(args, "lang", None) or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return words.language_for(wanted.split(".")[0])


def message_for(language: str, code: str, where: str = "") -> str:
    """What a person is told about an error code."""
    key = f"error.{code}" if words.has(language, f"error.{code}") else "error.internal"
    return words.sentence(language, key, where=where)


def print_json(value: object) -> None:
    """One JSON object on one line. Where the output cannot carry a character (another encoding, half a surrogate): escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(value, allow_nan=False)
    print(text)


def print_error(code: str, message: str, where: str = "", **more: object) -> None:
    """The error object of all commands; `more` adds keys, such as `line`."""
    print_json({"error": {"code": code, "message": message, "where": where[:WHERE_LENGTH_MAX], **more}})


def refuse(args: argparse.Namespace, error: YingdaError, **more: object) -> int:
    """Tell the caller what is wrong and where, as JSON or as a line for a person, and give the exit code for it."""
    message = message_for(language(args), error.code, error.where)
    if args.json:
        print_error(error.code, message, error.where, **more)
    else:
        where = f"{error.where}: " if error.where else ""
        line = f"{where}{message}".encode(sys.stderr.encoding or "ascii", "backslashreplace")
        print(line.decode(sys.stderr.encoding or "ascii"), file=sys.stderr)
    return BAD_INPUT
