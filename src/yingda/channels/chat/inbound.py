"""Hop 1 of the chat: whose request this is. Nothing of its content is read here."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime

from yingda.conversations.secrets import mask
from yingda.db.desk import Desk
from yingda.errors import Refused
from yingda.people.accounts import Account
from yingda.people.guests import TOKEN_PREFIX, guest_of_token
from yingda.people.viewer import CustomerViewer
from yingda.people.wallet_token import customer_of_token

PROVEN_MAX = 20_000
NAME_CHARACTERS_MAX = 120


class Doorkeeper:
    """Proves tokens, and remembers those it proved until they expire or the account's keys change."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._proven: OrderedDict[tuple[Account, str], tuple[CustomerViewer, datetime]] = OrderedDict()

    async def viewer(self, account: Account, authorization: str | None) -> tuple[CustomerViewer, datetime]:
        """The customer and when the token ends. `Refused` 401 with what is wrong with it."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused("token_missing", "Authorization", status=401)
        token = token.strip()
        now = self._desk.clock.now()
        known = self._proven.get((account, token))
        if known is None or known[1] <= now:
            known = await self._prove(account, token, now)
            self._proven[account, token] = known
            if len(self._proven) > PROVEN_MAX:
                self._proven.popitem(last=False)
        return known

    async def _prove(self, account: Account, token: str, now: datetime) -> tuple[CustomerViewer, datetime]:
        if token.startswith(TOKEN_PREFIX):
            return await self._desk.read(lambda tx: guest_of_token(tx, account.id, token))
        viewer, expires = customer_of_token(account, token, now)
        # Masked before it is cut: half of a secret is not recognised.
        return replace(viewer, name=mask(viewer.name).text[:NAME_CHARACTERS_MAX]), expires


def origin_allowed(account: Account, origin: str | None, host: str | None) -> bool:
    """A page may call when it is the desk's own or on the wallet's list. No Origin: not a browser's cross-site call."""
    if origin is None or origin in account.origins:
        return True
    return origin.partition("://")[2] == host
