"""`yingda check`: are the eight invariants kept, is the record whole, is every acknowledged message there once."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from yingda.commands import out
from yingda.commands.opened import opened_house
from yingda.config import settings
from yingda.db.desk import Tx
from yingda.errors import Refused
from yingda.insight.check import check, compare_ledger
from yingda.wiring import House

REPORT_SECONDS_MAX = 3600


def add(parsers: Any) -> None:
    parser = parsers.add_parser(
        "check", help="count violations of the invariants", description="Count violations of the invariants."
    )
    parser.add_argument("--ledger", metavar="FILE", help="JSON lines of what senders were told yes for")
    out.add_desk_options(parser)
    parser.set_defaults(run=run)


async def run(args: argparse.Namespace) -> int:
    entries = read_ledger(Path(args.ledger)) if args.ledger else None
    async with opened_house(settings(vars(args)), size=2) as house:
        result = await house.desk.read(lambda tx: _check(tx, house, entries))
    ordered = {key: result[key] for key in ("ok", "at", "serving", "invariants", "watchers", "ledger", "hashes")}
    ordered["at"] = result["at"].isoformat()
    if args.json:
        out.print_json(ordered)
    else:
        _show(ordered)
    return out.DONE if result["ok"] else out.WRONG


async def _check(tx: Tx, house: House, entries: list[tuple[str, str]] | None) -> dict[str, Any]:
    await tx.execute("SELECT set_config('statement_timeout', $1, false)", f"{REPORT_SECONDS_MAX}s")
    ledger = await compare_ledger(tx, entries) if entries is not None else None
    return await check(tx, house.doors, ledger)


def read_ledger(path: Path) -> list[tuple[str, str]]:
    """(client id, message id) of each line. Refused file_unreadable, ledger_line with the line's number."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("file_unreadable", str(path)) from error
    entries = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            entries.append((str(entry["client_id"]), str(entry["message_id"])))
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("ledger_line", f"{path}, line {number}") from error
    return entries


def _show(result: dict[str, Any]) -> None:
    for name, found in result["invariants"].items():
        count = "not checked" if found["violations"] is None else found["violations"]
        print(f"{name:12} {count}  {' '.join(found['examples'])}")
    print(f"events       {result['hashes']['events']}, broken {result['hashes']['broken']}")
    print("ok" if result["ok"] else "NOT ok")
