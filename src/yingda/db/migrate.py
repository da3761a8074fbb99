"""Numbered SQL migrations: `migrations/NNNN_name.sql`, applied in order, each once, each in a transaction of its own.

They only go forward. A file that was applied anywhere must never be changed: its SHA-256 is kept and compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import asyncpg

from yingda.errors import Permanent, Refused

# Generous, and no longer than that: a migration may build an index on millions of rows, and it may have to wait for
# another process that is doing the same at this moment.
MIGRATION_SECONDS_MAX = 3600
LOCK_SECONDS_MAX = 3600
TABLE_LOCK_SECONDS_MAX = 60
# Any number does, if nothing else in this database uses it: "yingda" in ASCII.
ADVISORY_LOCK = 0x79696E676461
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamptz NOT NULL
)"""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.sql.encode()).digest()


def packaged() -> Traversable:
    """The folder of the desk's own migrations."""
    return resources.files("yingda.db") / "migrations"


def read(folder: Traversable) -> list[Migration]:
    """All migrations in `folder`, in order. Raises `Permanent` unless they are numbered 1, 2, 3 … without a gap."""
    found = []
    for file in folder.iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
        elif file.name.endswith(".sql"):
            raise Permanent("migration_files_wrong", file.name, "expected NNNN_name.sql")
    found.sort(key=lambda one: one.number)
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise Permanent("migration_files_wrong", str(folder), "the numbers must run from 0001 without a gap or a double")
    return found


async def migrate(
    connection: asyncpg.Connection,
    upto: int | None = None,
    *,
    say: Callable[[str], None] = lambda line: None,
    folder: Traversable | None = None,
) -> list[int]:
    """Apply what is missing, up to number `upto` if given, and return the numbers applied by this call.

    Any number of processes may call it at once: each migration is applied by one of them, the others wait. Raises
    `Refused("migration_changed")` if an applied file has other content now and `Refused("database_newer")` if the
    database has a migration that this program does not know; then nothing is applied. Call it outside a transaction.
    """
    assert not connection.is_in_transaction()
    known = read(folder or packaged())
    wanted = [one for one in known if upto is None or one.number <= upto]
    applied: list[int] = []
    while (number := await _step(connection, known, wanted, say)) is not None:
        applied.append(number)
    return applied


async def _step(
    connection: asyncpg.Connection, known: list[Migration], wanted: list[Migration], say: Callable[[str], None]
) -> int | None:
    """Check what is applied and apply the first of `wanted` that is not; None if there is none left.

    All of it in one transaction under an advisory lock: what is looked at cannot change before it is acted on.
    """
    async with connection.transaction():
        # The connection may be one that serves messages, with time-outs far too short for this.
        await connection.execute(
            f"SET LOCAL statement_timeout = '{MIGRATION_SECONDS_MAX}s';"
            f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s';"
            f"SET LOCAL idle_in_transaction_session_timeout = '{MIGRATION_SECONDS_MAX}s'"
        )
        await connection.execute("SELECT pg_advisory_xact_lock($1)", ADVISORY_LOCK, timeout=LOCK_SECONDS_MAX)
        await connection.execute(f"SET LOCAL lock_timeout = '{TABLE_LOCK_SECONDS_MAX}s';{_TABLE}")
        rows = await connection.fetch("SELECT number, name, sha256 FROM migrations ORDER BY number")
        _check({row["number"]: row for row in rows}, known)
        if len(rows) >= len(wanted):
            return None
        following = wanted[len(rows)]
        say(f"Applying migration {following.number:04} {following.name}.")
        await _apply(connection, following)
        return following.number


def _check(applied: dict[int, asyncpg.Record], known: list[Migration]) -> None:
    newer = [f"{number:04} {row['name']}" for number, row in applied.items() if number > len(known)]
    if newer:
        raise Refused(
            "database_newer", newer[0], "a newer program has changed this database: install that version or a later one"
        )
    if list(applied) != list(range(1, len(applied) + 1)):
        raise Refused("migration_missing", str(sorted(applied)), "the table migrations has a gap; restore it from a back-up")
    for one in known[: len(applied)]:
        if applied[one.number]["sha256"] != one.sha256:
            raise Refused(
                "migration_changed", f"{one.number:04} {one.name}", "the file is not the one that was applied; put it back"
            )


async def _apply(connection: asyncpg.Connection, one: Migration) -> None:
    try:
        await connection.execute(one.sql, timeout=MIGRATION_SECONDS_MAX)
    except asyncpg.PostgresError as error:
        line = one.sql.count("\n", 0, int(error.position or 1) - 1) + 1
        error.add_note(f"in migration {one.number:04}_{one.name}.sql, line {line}")
        raise
    # A COMMIT in the file would let half of it stand after a kill.
    assert connection.is_in_transaction(), f"migration {one.number:04} must not end its transaction"
    # `statement_timestamp()` and not `desk_now()`, which migration 0001 makes and the simulator replaces.
    await connection.execute(
        "INSERT INTO migrations (number, name, sha256, applied_at) VALUES ($1, $2, $3, statement_timestamp())",
        one.number,
        one.name,
        one.sha256,
    )
