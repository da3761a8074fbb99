"""Does the server answer us, and is the desk's database in it? The words of its URL, too."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from urllib.parse import quote

import asyncpg

from yingda.db.cluster import PORT
from yingda.errors import Permanent

ROLE = DATABASE = "yingda"
CONNECT_SECONDS_MAX = 5.0
STATEMENT_SECONDS_MAX = 60.0


class Answer(Enum):
    """What a server says to somebody who knocks."""

    READY = "ready"
    BUSY = "busy"  # it is there and will or may open later: starting, recovering, shutting down, too many at the door
    SILENT = "silent"  # nobody opens


def url(sockets: Path, port: int, password: str, *, role: str = ROLE, database: str = DATABASE) -> str:
    """A URL for `asyncpg.connect`. The host stands in the query since it is a folder."""
    at = f"host={quote(str(sockets), safe='/')}" + ("" if port == PORT else f"&port={port}")
    return f"postgresql://{role}:{quote(password, safe='')}@/{database}?{at}"


async def knock(superuser_url: str) -> Answer:
    """Try to get in once. Raises `Permanent("database_password_wrong")`: then it is not the server of our password."""
    try:
        connection = await asyncpg.connect(superuser_url, timeout=CONNECT_SECONDS_MAX)
    except (asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError):
        return Answer.BUSY
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise Permanent(
            "database_password_wrong", detail="the server on this data does not know the password kept beside it"
        ) from error
    except (OSError, TimeoutError, asyncpg.ConnectionDoesNotExistError, asyncpg.InternalClientError):
        # The last is what asyncpg raises when the connection breaks between two of its own states.
        return Answer.SILENT
    await connection.close(timeout=CONNECT_SECONDS_MAX)
    return Answer.READY


async def ensure_database(superuser_url: str, password: str) -> None:
    """Make the desk's role and its database unless they are there. Can be cut off anywhere and called again.

    The role is no superuser: whoever should ever slip SQL past us must not be able to run programs or read files.
    """
    connection = await asyncpg.connect(superuser_url, timeout=CONNECT_SECONDS_MAX, command_timeout=STATEMENT_SECONDS_MAX)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
            # A statement of this kind takes no parameters. The password is of `Chance.token`'s alphabet.
            assert password.replace("-", "").replace("_", "").isalnum()
            await connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
    finally:
        await connection.close(timeout=CONNECT_SECONDS_MAX)
