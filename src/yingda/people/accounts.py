"""Channel accounts and the keys a wallet's server signs with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from yingda.db.desk import Desk, Row, Tx
from yingda.errors import Refused
from yingda.people.master_key import MasterKey

WALLET_KEYS_LIVE_MAX = 2  # the one in use and the one being rotated in
SECRET_BYTES = 32
ACCOUNT_AGE_SECONDS_MAX = 10.0  # a changed origin or a retired key is believed at most this long
ACCOUNTS_CACHED_MAX = 1000

LIVE_KEY = "SELECT kid, algorithm, key FROM wallet_keys WHERE kid = $1 AND account_id = $2 AND retired_at IS NULL"


@dataclass(frozen=True, slots=True)
class WalletKey:
    kid: str
    algorithm: str
    key: bytes  # HS256: the secret; EdDSA: the raw public key


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    channel: str
    name: str
    widget_key: str
    origins: tuple[str, ...]
    keys: tuple[WalletKey, ...]


async def add_account(tx: Tx, *, channel: str, name: str, widget_key: str, origins: Sequence[str] = ()) -> int:
    return await tx.fetchval(  # type: ignore[no-any-return]
        "INSERT INTO channel_accounts (channel, name, widget_key, origins) VALUES ($1, $2, $3, $4) RETURNING id",
        channel,
        name,
        widget_key,
        list(origins),
    )


async def add_wallet_key(tx: Tx, master: MasterKey, account_id: int, *, kid: str, algorithm: str, key: bytes) -> None:
    """`key`: for HS256 the secret of 32 bytes, for EdDSA the raw Ed25519 public key. At most two live at once.

    The same key again is no second one: who got no answer asks again.
    """
    if algorithm not in ("HS256", "EdDSA") or len(key) != SECRET_BYTES:
        raise Refused("wallet_key_form", "key")
    await tx.execute("SELECT 1 FROM channel_accounts WHERE id = $1 FOR UPDATE", account_id)
    known = await tx.fetchrow(LIVE_KEY, kid, account_id)
    if known is not None and known["algorithm"] == algorithm and _plain(master, known) == key:
        return
    live = await tx.fetchval("SELECT count(*) FROM wallet_keys WHERE account_id = $1 AND retired_at IS NULL", account_id)
    if live >= WALLET_KEYS_LIVE_MAX:
        raise Refused("wallet_keys_live_max", "kid", status=409)
    stored = master.wrap(key, f"wallet-key:{kid}") if algorithm == "HS256" else key
    await tx.execute(
        "INSERT INTO wallet_keys (kid, account_id, algorithm, key) VALUES ($1, $2, $3, $4)", kid, account_id, algorithm, stored
    )


async def retire_wallet_key(tx: Tx, kid: str) -> None:
    await tx.execute("UPDATE wallet_keys SET retired_at = desk_now() WHERE kid = $1 AND retired_at IS NULL", kid)


class Accounts:
    """Accounts by widget key, remembered for ACCOUNT_AGE_SECONDS_MAX: every chat request needs one."""

    def __init__(self, desk: Desk, master: MasterKey) -> None:
        self._desk, self._master = desk, master
        self._known: dict[str, tuple[float, Account | None]] = {}

    async def by_widget_key(self, widget_key: str) -> Account:
        now = self._desk.clock.monotonic()
        known = self._known.get(widget_key)
        if known is None or now - known[0] > ACCOUNT_AGE_SECONDS_MAX:
            account = await self._desk.read(lambda tx: self._load(tx, widget_key))
            if len(self._known) >= ACCOUNTS_CACHED_MAX:
                self._known.clear()  # only a flood of invented keys gets here
            known = self._known[widget_key] = (now, account)
        if known[1] is None:
            raise Refused("widget_key_unknown", "widget_key", status=404)
        return known[1]

    async def _load(self, tx: Tx, widget_key: str) -> Account | None:
        if "\0" in widget_key:  # no text in the database can hold one
            return None
        row = await tx.fetchrow("SELECT id, channel, name, origins FROM channel_accounts WHERE widget_key = $1", widget_key)
        if row is None:
            return None
        keys = await tx.fetch(
            "SELECT kid, algorithm, key FROM wallet_keys WHERE account_id = $1 AND retired_at IS NULL ORDER BY kid", row["id"]
        )
        opened = tuple(WalletKey(key["kid"], key["algorithm"], _plain(self._master, key)) for key in keys)
        return Account(row["id"], row["channel"], row["name"], widget_key, tuple(row["origins"]), opened)


def _plain(master: MasterKey, row: Row) -> bytes:
    if row["algorithm"] == "HS256":
        return master.unwrap(row["key"], f"wallet-key:{row['kid']}")
    return row["key"]  # type: ignore[no-any-return]


def customer_key_text(kid: str, widget_key: str, secret: bytes) -> str:
    """KID.WIDGET_KEY.SECRET: all that a wallet's server needs to sign for its customers."""
    return f"{kid}.{widget_key}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def parse_customer_key(text: str) -> tuple[str, str, bytes]:
    """(kid, widget key, secret) of a customer key; Refused `customer_key_form` otherwise."""
    parts = text.strip().split(".")
    if len(parts) != 3 or not all(parts):
        raise Refused("customer_key_form", "key")
    try:
        secret = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
    except (binascii.Error, ValueError) as error:
        raise Refused("customer_key_form", "key") from error
    if len(secret) != SECRET_BYTES:
        raise Refused("customer_key_form", "key")
    return parts[0], parts[1], secret
