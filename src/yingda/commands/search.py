"""`yingda search`: which pages of a folder a text finds."""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

from yingda.clock import SystemClock
from yingda.commands.out import DONE, print_json, refuse
from yingda.errors import Refused

if TYPE_CHECKING:  # the index loads numpy and the encoder, which the other commands should not wait for
    from yingda.knowledge.search import Index

TEXT_COLUMNS = ("text", "query", "question", "message", "title")
OTHER_COLUMNS = ("label", "category", "id", "page", "slug")
TOP_MAX = 1000


def add(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = parsers.add_parser("search", help="which pages of a folder a text finds")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="what to look for")
    parser.add_argument("--file", metavar="FILE.csv", help="look for every row of its text column instead")
    parser.add_argument("--articles", metavar="DIR", help="folder of pages in Markdown, plain text or HTML")
    parser.add_argument("--top", default="10", metavar="N", help="how many results at most (default 10)")
    parser.add_argument("--lang", choices=("zh-CN", "en"), help="language of messages")
    parser.add_argument("--json", action="store_true", help="print JSON: one object, or one a row with --file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 for bad input."""
    try:
        queries, top = _queries(args), _top(args.top)
        if args.articles is None:
            raise Refused("argument_missing", "--articles")
        index = _index(Path(args.articles))
    except Refused as error:
        return refuse(args, error)
    clock = SystemClock()
    for query in queries:
        began = clock.monotonic()
        hits = index.search(query, top)
        milliseconds = round((clock.monotonic() - began) * 1000, 3)
        if args.json:
            results = [{"id": hit.id, "score": hit.score} for hit in hits]
            print_json({"query": query, "results": results, "milliseconds": milliseconds})
        else:
            print(f"{query}\n" + "".join(f"{hit.score:8.3f}  {hit.id}\n" for hit in hits), end="")
    return DONE


def _index(folder: Path) -> Index:
    # Not at the top: numpy and the encoder take longer to load than most commands run.
    from yingda.knowledge.encoder import packaged_encoder
    from yingda.knowledge.pages import read_pages  # beside its index
    from yingda.knowledge.search import Index  # numpy

    index = Index(read_pages(folder), packaged_encoder())
    index.search("warm")  # what is loaded when first used is no part of a query's time
    return index


def _queries(args: argparse.Namespace) -> list[str]:
    if (args.text is None) == (args.file is None):
        raise Refused("search_what", "TEXT")
    return [args.text] if args.file is None else _rows(Path(args.file))


def _rows(path: Path) -> list[str]:
    """The text column, else the first that is no label; one entry a row, in order, empty ones too."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            column = _column([name or "" for name in rows.fieldnames or ()])
            if column is None:
                raise Refused("csv_no_text", f"{path}, line 1")
            return [row[column] or "" for row in rows]
    except (OSError, ValueError) as error:
        raise Refused("not_utf8" if isinstance(error, UnicodeDecodeError) else "file_unreadable", os.fspath(path)) from error
    except csv.Error as error:
        raise Refused("csv_malformed", os.fspath(path), str(error)) from error


def _column(names: list[str]) -> str | None:
    known = {name.strip().lower(): name for name in reversed(names)}
    stated = next((known[name] for name in TEXT_COLUMNS if name in known), None)
    return stated or next((name for name in names if name.strip() and name.strip().lower() not in OTHER_COLUMNS), None)


def _top(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Refused("number_malformed", "--top")
    if not 1 <= (top := int(text[:9])) <= TOP_MAX or len(text) > 9:
        raise Refused("number_out_of_range", "--top")
    return top
