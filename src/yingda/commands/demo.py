"""`--demo`: people and keys to try the desk with. Passwords are random for each install and work on loopback only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from yingda.commands.opened import DEFAULT_ZONE, say
from yingda.config import Settings
from yingda.db.desk import Tx
from yingda.people.accounts import add_account, add_wallet_key, customer_key_text
from yingda.people.agents import NewAgent, add_agent, hash_password
from yingda.people.viewer import Role
from yingda.wiring import House

ACCOUNT_NAME = "demo"
PEOPLE: dict[str, tuple[str, str, Role]] = {
    "agent": ("agent@demo.yingda.example", "谷雨", "agent"),
    "lead": ("lead@demo.yingda.example", "夏至", "lead"),
}


async def prepare(house: House, wanted: Settings, url: str) -> None:
    """Make what is not there, and write DIR/demo.json (0600). A second start keeps the passwords; a lost file makes new ones."""
    path = wanted.data / "demo.json"
    known = _known(path)
    password = {who: known.get(who, {}).get("password") or house.desk.chance.token(12) for who in PEOPLE}
    hashes = {who: await hash_password(password[who]) for who in PEOPLE}
    widget_key, customer_key = await house.desk.transaction(lambda tx: _account(tx, house, known))
    await house.desk.transaction(lambda tx: _people(tx, hashes, fresh=not known))
    written = {
        "url": url,
        "desk_url": f"{url}/desk",
        "widget_key": widget_key,
        "customer_key": customer_key,
        **{who: {"email": PEOPLE[who][0], "password": password[who]} for who in PEOPLE},
    }
    _write(path, json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    say(f"Demo sign-ins are in {path} (agent: {PEOPLE['agent'][0]}); they work on this machine only.")


async def _account(tx: Tx, house: House, known: dict[str, Any]) -> tuple[str, str]:
    """The demo's chat account and customer key. A key whose secret is no longer known is retired."""
    row = await tx.fetchrow("SELECT id, widget_key FROM channel_accounts WHERE name = $1 ORDER BY id LIMIT 1", ACCOUNT_NAME)
    if row is not None and known.get("customer_key") and known.get("widget_key") == row["widget_key"]:
        return row["widget_key"], known["customer_key"]
    chance = house.desk.chance
    widget_key = row["widget_key"] if row else f"wk_{chance.token(9)}"
    account = row["id"] if row else await add_account(tx, channel="chat", name=ACCOUNT_NAME, widget_key=widget_key)
    await tx.execute("UPDATE wallet_keys SET retired_at = desk_now() WHERE account_id = $1 AND retired_at IS NULL", account)
    kid, secret = f"k{chance.token(6)}", chance.bytes(32)
    await add_wallet_key(tx, house.master, account, kid=kid, algorithm="HS256", key=secret)
    return widget_key, customer_key_text(kid, widget_key, secret)


async def _people(tx: Tx, hashes: dict[str, str], *, fresh: bool) -> None:
    for who, (email, name, role) in PEOPLE.items():
        found = await tx.fetchval("SELECT id FROM agents WHERE lower(email) = $1", email)
        if found is None:
            await add_agent(tx, NewAgent(email, name, role, hashes[who], "zh-CN", DEFAULT_ZONE, demo=True))
        elif fresh:
            await tx.execute("UPDATE agents SET password_hash = $2 WHERE id = $1", found, hashes[who])


def _known(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner only."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
