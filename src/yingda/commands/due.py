"""`yingda due`: when so many open minutes of a desk will have passed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from yingda.commands.json_file import read_json
from yingda.commands.out import DONE, print_json, refuse
from yingda.conversations.due import Counted, Due, due
from yingda.conversations.hours import Hours, parse_hours, zone_named
from yingda.errors import Refused

MINUTES = re.compile(r"[0-9]+")
MINUTES_DIGITS_MAX = 18


def add(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command. What is required is checked when it runs, so that its absence is told in two languages too."""
    parser = parsers.add_parser("due", help="when so many open minutes of a desk will have passed")
    parser.add_argument("--hours", metavar="FILE.json", help="the hours of the desk")
    parser.add_argument("--from", dest="start", metavar="ISO", help="when the counting starts, with an offset from UTC")
    parser.add_argument("--minutes", metavar="N", help="open minutes to count; 0 gives the first open instant")
    parser.add_argument("--customer-zone", metavar="ZONE", help="show the time to a customer in this IANA zone too")
    parser.add_argument("--lang", choices=("zh-CN", "en"), help="language of messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 for bad input."""
    try:
        answer = _answer(args)
    except Refused as error:
        return refuse(args, error)
    if args.json:
        print_json(answer)
    else:
        for key in ("due_desk", "due_customer", "due_utc", "provisional_reason"):
            if answer[key] is not None:
                print(f"{key:<20}{answer[key]}")
    return DONE


def _answer(args: argparse.Namespace) -> dict[str, object]:
    for option, value in (("--hours", args.hours), ("--from", args.start), ("--minutes", args.minutes)):
        if value is None:
            raise Refused("argument_missing", option)
    start, minutes = _start(args.start), _minutes(args.minutes)
    customer_zone = _customer_zone(args.customer_zone)
    hours, blame = _hours(Path(args.hours))
    try:
        found = due(hours, start, minutes)
    except Refused as error:
        in_file = error.code == "no_open_minute"
        raise blame(error) if in_file else Refused(error.code, f"--{error.where}") from None
    return _told(found, hours, customer_zone)


def _hours(path: Path) -> tuple[Hours, Callable[[Refused], Refused]]:
    """The hours in a file, and what puts a line of that file to a refusal."""
    file = read_json(path)
    try:
        return parse_hours(file.data), file.locate
    except Refused as error:
        raise file.locate(error) from None


def _start(text: str) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("time_malformed", "--from") from None
    if start.utcoffset() is None:
        raise Refused("time_without_offset", "--from")
    return start


def _minutes(text: str) -> int:
    if not MINUTES.fullmatch(text):
        raise Refused("minutes_malformed", "--minutes")
    if len(text) > MINUTES_DIGITS_MAX:
        raise Refused("minutes_out_of_range", "--minutes")
    return int(text)


def _customer_zone(name: str | None) -> ZoneInfo | None:
    zone = zone_named(name) if name is not None else None
    if name is not None and zone is None:
        raise Refused("zone_unknown", "--customer-zone")
    return zone


def _told(found: Due, hours: Hours, customer_zone: ZoneInfo | None) -> dict[str, object]:
    """The answer of the command; `due_customer` is null when no zone of the customer was given."""
    return {
        "due_utc": found.at.isoformat(),
        "due_desk": found.at.astimezone(hours.zone).isoformat(),
        "due_customer": found.at.astimezone(customer_zone).isoformat() if customer_zone else None,
        "intervals": [_interval(counted, hours.zone) for counted in found.intervals],
        "provisional": found.provisional,
        "provisional_reason": found.provisional_reason,
    }


def _interval(counted: Counted, zone: ZoneInfo) -> dict[str, object]:
    minutes = counted.minutes
    return {
        "start": counted.start.astimezone(zone).isoformat(),
        "end": counted.end.astimezone(zone).isoformat(),
        "minutes": int(minutes) if minutes == int(minutes) else minutes,
    }
