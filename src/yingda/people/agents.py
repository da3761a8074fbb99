"""Staff: sign-in with argon2, sessions by a hashed random token, and a brake on guessing that locks out nobody honest."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from yingda.db.desk import Desk, Row, Tx
from yingda.errors import Refused
from yingda.people.viewer import AgentViewer, Role

SESSION_LIFE_HOURS = 12
PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 200
# Failures are counted per (email, client address): who guesses from elsewhere does not lock the owner out.
FAILURES_MAX = 8
FAILURE_WINDOW_MINUTES = 15

_hasher = PasswordHasher()  # argon2id; the library's parameters follow RFC 9106


@cache
def _nobody() -> str:
    """A hash nothing matches: an unknown address costs the same time as a wrong password."""
    return _hasher.hash("nobody has this password")


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def hash_password(password: str) -> str:
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise Refused("password_length", "password")
    return await asyncio.to_thread(_hasher.hash, password)


@dataclass(frozen=True, slots=True)
class NewAgent:
    """`demo`: may sign in only while the desk listens on loopback."""

    email: str
    name: str
    role: Role
    password_hash: str
    language: str
    zone: str
    demo: bool = False


async def add_agent(tx: Tx, new: NewAgent) -> int:
    return await tx.fetchval(  # type: ignore[no-any-return]
        "INSERT INTO agents (email, name, role, password_hash, language, zone, demo)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        new.email.strip(),
        new.name,
        new.role,
        new.password_hash,
        new.language,
        new.zone,
        new.demo,
    )


async def sign_in(
    desk: Desk, email: str, password: str, client_address: str, *, demo_allowed: bool = True
) -> tuple[str, AgentViewer]:
    """A session token and who it is. `Refused` signin_failed says neither which was wrong nor whether the address exists."""
    email = email.strip().replace("\0", "?").encode(errors="replace").decode()  # what a text column can hold
    subject = hashlib.sha256(f"{email.lower()}\0{client_address}".encode()).digest()
    row, attempt = await desk.transaction(lambda tx: _candidate(tx, email, subject))
    known = await asyncio.to_thread(_matches, row["password_hash"] if row else _nobody(), password[:PASSWORD_CHARACTERS_MAX])
    if row is None or not known:
        raise Refused("signin_failed", status=401)
    if row["demo"] and not demo_allowed:
        raise Refused("demo_beyond_loopback", status=403)
    token = desk.chance.token(32)
    await desk.transaction(lambda tx: _open_session(tx, row["id"], token, attempt))
    return token, _viewer(row)


async def agent_of_session(tx: Tx, token: str, *, demo_allowed: bool = True) -> AgentViewer | None:
    """Who it is; None when the session has ended. A demo account's session ends when the desk listens beyond loopback."""
    row = await tx.fetchrow(
        "SELECT a.id, a.name, a.role, a.language, a.zone FROM staff_sessions s JOIN agents a ON a.id = s.agent_id"
        " WHERE s.token_hash = $1 AND s.expires_at > desk_now() AND a.disabled_at IS NULL AND ($2 OR NOT a.demo)",
        token_hash(token),
        demo_allowed,
    )
    return _viewer(row) if row else None


async def sign_out(tx: Tx, token: str) -> None:
    await tx.execute("DELETE FROM staff_sessions WHERE token_hash = $1", token_hash(token))


async def forget_expired(tx: Tx) -> None:
    """Periodic: sessions and failures past their use."""
    await tx.execute("DELETE FROM staff_sessions WHERE expires_at < desk_now()")
    await tx.execute("DELETE FROM signin_failures WHERE at < desk_now() - make_interval(mins => $1)", FAILURE_WINDOW_MINUTES)


async def _candidate(tx: Tx, email: str, subject: bytes) -> tuple[Row | None, int]:
    """Whose sign-in it would be, and the attempt: on record as a failure until it succeeds, so that guesses made all at once
    are counted like guesses made one by one. The lock is the guesser's own."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", int.from_bytes(subject[:8], "big", signed=True))
    failures = await tx.fetchval(
        "SELECT count(*) FROM signin_failures WHERE subject = $1 AND at > desk_now() - make_interval(mins => $2)",
        subject,
        FAILURE_WINDOW_MINUTES,
    )
    if failures >= FAILURES_MAX:
        raise Refused("signin_slow_down", status=429)
    attempt: int = await tx.fetchval("INSERT INTO signin_failures (subject) VALUES ($1) RETURNING id", subject)
    row = await tx.fetchrow(
        "SELECT id, name, role, language, zone, password_hash, demo FROM agents"
        " WHERE lower(email) = lower($1) AND disabled_at IS NULL",
        email,
    )
    return row, attempt


async def _open_session(tx: Tx, agent_id: int, token: str, attempt: int) -> None:
    await tx.execute("DELETE FROM signin_failures WHERE id = $1", attempt)
    await tx.execute(
        "INSERT INTO staff_sessions (token_hash, agent_id, expires_at) VALUES ($1, $2, desk_now() + make_interval(hours => $3))",
        token_hash(token),
        agent_id,
        SESSION_LIFE_HOURS,
    )


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _viewer(row: Row) -> AgentViewer:
    return AgentViewer(row["id"], row["name"], row["role"], row["language"], row["zone"])
