"""Guests: customers nobody has signed for. A guest is known by a random token, of which only the hash is stored."""

from __future__ import annotations

import hashlib
from datetime import datetime

from yingda.db.desk import Tx
from yingda.errors import Refused
from yingda.people.viewer import CustomerViewer

GUEST_LIFE_DAYS = 30
TOKEN_PREFIX = "g_"  # tells a guest token from a JWS without parsing either  # noqa: S105


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def admit_guest(tx: Tx, account_id: int) -> tuple[str, datetime]:
    """A new guest's token and the moment it expires."""
    token = TOKEN_PREFIX + tx.desk.chance.token(32)
    expires: datetime = await tx.fetchval(
        "INSERT INTO guest_sessions (token_hash, account_id, guest, expires_at)"
        " VALUES ($1, $2, $3, desk_now() + make_interval(days => $4)) RETURNING expires_at",
        token_hash(token),
        account_id,
        tx.desk.chance.token(16),
        GUEST_LIFE_DAYS,
    )
    return token, expires


async def guest_of_token(tx: Tx, account_id: int, token: str) -> tuple[CustomerViewer, datetime]:
    """The guest of a token; `Refused` 401 when it is unknown, expired, or of another account."""
    row = await tx.fetchrow(
        "SELECT guest, expires_at FROM guest_sessions WHERE token_hash = $1 AND account_id = $2 AND expires_at > desk_now()",
        token_hash(token),
        account_id,
    )
    if row is None:
        raise Refused("token_expired", "Authorization", status=401)
    return CustomerViewer(account_id, "guest", row["guest"]), row["expires_at"]


async def forget_expired(tx: Tx) -> int:
    """Periodic: sessions of guests and staff past their end, a thousand of each at a time."""
    gone = await tx.fetch(
        "DELETE FROM guest_sessions WHERE token_hash IN"
        " (SELECT token_hash FROM guest_sessions WHERE expires_at < desk_now()"
        " ORDER BY expires_at, token_hash LIMIT 1000) RETURNING 1"
    )
    return len(gone)
