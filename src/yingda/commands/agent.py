"""`yingda agent add`: the first people of a desk. The password is read from standard input or asked for, never an argument."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

import asyncpg

from yingda import words
from yingda.commands import out
from yingda.commands.opened import DEFAULT_ZONE, opened_house
from yingda.config import settings
from yingda.conversations.hours import zone_named
from yingda.errors import Refused
from yingda.people.agents import NewAgent, add_agent, hash_password

ROLES = ("agent", "lead", "admin")


def add(parsers: Any) -> None:
    parser = parsers.add_parser("agent", help="people of the desk", description="People of the desk.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adder = actions.add_parser("add", help="add an agent", description="Add an agent; the password comes from standard input.")
    adder.add_argument("--email", required=True, metavar="EMAIL", help="what they sign in with")
    adder.add_argument("--name", required=True, metavar="NAME", help="what customers see")
    adder.add_argument("--role", choices=ROLES, default="agent", help="agent, lead or admin")
    adder.add_argument("--language", choices=words.LANGUAGES, default="zh-CN", help="language of their console")
    adder.add_argument("--zone", metavar="ZONE", default=DEFAULT_ZONE, help="their IANA time zone")
    out.add_desk_options(adder)
    adder.set_defaults(run=run)


async def run(args: argparse.Namespace) -> int:
    if "@" not in args.email or not args.name.strip():
        raise Refused("agent_form", "--email" if "@" not in args.email else "--name")
    if zone_named(args.zone) is None:
        raise Refused("zone_unknown", "--zone")
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    new = NewAgent(args.email, args.name.strip(), args.role, await hash_password(password), args.language, args.zone)
    async with opened_house(settings(vars(args)), size=2) as house:
        try:
            number = await house.desk.transaction(lambda tx: add_agent(tx, new))
        except asyncpg.UniqueViolationError as error:
            raise Refused("agent_known", "--email", status=409) from error
    if args.json:
        out.print_json({"agent": number, "email": new.email, "role": new.role})
    else:
        print(f"{new.name} ({new.role}) may sign in as {new.email}")
    return out.DONE
