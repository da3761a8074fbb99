"""`yingda replay`: real questions, one new signed customer each, through the public chat API of a running desk."""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path
from typing import Any

from yingda.chance import SystemChance
from yingda.clock import SystemClock
from yingda.commands import out
from yingda.commands.opened import say
from yingda.commands.replay_customer import Customer, Http, Outcome, Target
from yingda.commands.replay_run import run_all, tally
from yingda.config import settings
from yingda.errors import Refused
from yingda.people.accounts import parse_customer_key

TEXT_COLUMNS = ("text", "question", "message")
RATE_MAX = 10_000.0
WAIT_SECONDS_MAX = 86_400.0
FIELD_CHARACTERS_MAX = 10_000_000


def add(parsers: Any) -> None:
    parser = parsers.add_parser(
        "replay", help="send a file of questions to a running desk", description="Replay a file of questions."
    )
    parser.add_argument("file", metavar="FILE.csv", help="CSV with a column named text")
    parser.add_argument("--url", required=True, metavar="URL", help="address of the desk")
    parser.add_argument("--rate", required=True, metavar="N", help="messages a second")
    parser.add_argument("--key", metavar="KEY", help="customer key (default: from DIR/demo.json)")
    parser.add_argument("--data", metavar="DIR", help="folder of the desk (default ./data)")
    parser.add_argument("--wait-seconds", default="120", metavar="S", help="how long to wait for answers after the last message")
    parser.add_argument("--ledger", metavar="OUT", help="write what was acknowledged, as JSON lines")
    parser.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=run)


async def run(args: argparse.Namespace) -> int:
    rate = _number(args.rate, "--rate", 0.01, RATE_MAX)
    wait = _number(args.wait_seconds, "--wait-seconds", 0.0, WAIT_SECONDS_MAX)
    texts = read_texts(Path(args.file))
    kid, widget_key, secret = parse_customer_key(args.key or _demo_key(args))
    clock, chance = SystemClock(), SystemChance()
    target = Target(args.url.rstrip("/"), widget_key, kid, secret, clock)
    series = chance.token(6)
    customers = [Customer(target, f"replay-{series}-{i}", text) for i, text in enumerate(texts, 1) if text.strip()]
    began = clock.monotonic()
    with _ledger(args.ledger) as ledger:
        async with Http() as http:
            await run_all(http, customers, rate, wait, ledger)
    result = tally(customers, empty_rows=len(texts) - len(customers))
    result["seconds"] = round(clock.monotonic() - began, 3)
    if args.json:
        out.print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:16} {value}")
    refused = sum(c.outcome is Outcome.REFUSED for c in customers)
    if result["unanswered"] or result["acknowledged"] < result["sent"]:
        out_of = (
            f"{result['acknowledged']} of {result['sent']} acknowledged, {refused} refused, {result['unanswered']} unanswered"
        )
        say(out_of)
        return out.WRONG
    return out.DONE


def read_texts(path: Path) -> list[str]:
    """The text column, one entry a row, empty ones too. Refused file_unreadable, csv_malformed, csv_no_text."""
    csv.field_size_limit(FIELD_CHARACTERS_MAX)  # a text that is too long is for the desk to refuse
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            names = [name.strip().lower() for name in next(rows, [])]
            place = next((i for i, name in enumerate(names) if name in TEXT_COLUMNS), None)
            if place is None:
                raise Refused("csv_no_text", f"{path}, line 1")
            # An empty line is an empty row: in a file of one column there is no other way to write one.
            return [row[place] if place < len(row) else "" for row in rows]
    except OSError as error:
        raise Refused("file_unreadable", str(path)) from error
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", str(path)) from error
    except csv.Error as error:
        raise Refused("csv_malformed", str(path), str(error)) from error


def _demo_key(args: argparse.Namespace) -> str:
    path = settings({"data": args.data}).data / "demo.json"
    try:
        return str(json.loads(path.read_text("utf-8"))["customer_key"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused("customer_key_missing", str(path)) from error


def _ledger(path: str | None) -> Any:
    try:
        return Path(path or os.devnull).open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise Refused("file_unwritable", str(path)) from error


def _number(text: str, where: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise Refused("number_wrong", where) from error
    if not least <= value <= most:
        raise Refused("number_wrong", where)
    return value
