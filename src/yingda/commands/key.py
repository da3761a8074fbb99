"""`yingda key add`: a customer key for a wallet's server, and the chat account it belongs to."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import urlsplit

from yingda.commands import out
from yingda.commands.opened import opened_house
from yingda.config import settings
from yingda.db.desk import Tx
from yingda.errors import Refused
from yingda.people.accounts import add_account, add_wallet_key, customer_key_text, retire_wallet_key
from yingda.wiring import House


def add(parsers: Any) -> None:
    parser = parsers.add_parser("key", help="keys of the wallet's server", description="Keys a wallet's server signs with.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adder = actions.add_parser("add", help="make a key", description="Make a customer key; two of an account may live at once.")
    adder.add_argument("--account", metavar="NAME", required=True, help="chat account; made when there is none of this name")
    adder.add_argument("--origin", metavar="ORIGIN", action="append", default=[], help="a page's origin that may embed the chat")
    out.add_desk_options(adder)
    adder.set_defaults(run=run_add)
    retirer = actions.add_parser(
        "retire", help="retire a key", description="Retire a key: what it signed is refused from now on."
    )
    retirer.add_argument("kid", metavar="KID", help="the part of the key before the first dot")
    out.add_desk_options(retirer)
    retirer.set_defaults(run=run_retire)


async def run_add(args: argparse.Namespace) -> int:
    for origin in args.origin:
        parts = urlsplit(origin)
        if parts.scheme not in ("https", "http") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise Refused("origin_form", "--origin")
    async with opened_house(settings(vars(args)), size=2) as house:
        widget_key, customer_key = await house.desk.transaction(lambda tx: _make(tx, house, args.account, args.origin))
    if args.json:
        out.print_json({"account": args.account, "widget_key": widget_key, "customer_key": customer_key})
    else:
        print(f"widget key    {widget_key}\ncustomer key  {customer_key}  (secret: it is shown this once)")
    return out.DONE


async def run_retire(args: argparse.Namespace) -> int:
    async with opened_house(settings(vars(args)), size=2) as house:
        await house.desk.transaction(lambda tx: retire_wallet_key(tx, args.kid))
    if args.json:
        out.print_json({"retired": args.kid})
    return out.DONE


async def _make(tx: Tx, house: House, name: str, origins: list[str]) -> tuple[str, str]:
    chance = house.desk.chance
    row = await tx.fetchrow(
        "SELECT id, widget_key FROM channel_accounts WHERE channel = 'chat' AND name = $1 ORDER BY id LIMIT 1", name
    )
    widget_key = row["widget_key"] if row else f"wk_{chance.token(9)}"
    account = row["id"] if row else await add_account(tx, channel="chat", name=name, widget_key=widget_key)
    await tx.execute(
        "UPDATE channel_accounts SET origins = (SELECT array_agg(DISTINCT o ORDER BY o) FROM unnest(origins || $2::text[]) AS o)"
        " WHERE id = $1 AND cardinality($2::text[]) > 0",
        account,
        origins,
    )
    kid, secret = f"k{chance.token(6)}", chance.bytes(32)
    await add_wallet_key(tx, house.master, account, kid=kid, algorithm="HS256", key=secret)
    return widget_key, customer_key_text(kid, widget_key, secret)
