"""What the database says, turned into the three kinds of error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from yingda.errors import Refused, Temporary

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # it takes no connections just now (ALLOW_CONNECTIONS false)
    asyncpg.InvalidCatalogNameError,
    asyncpg.InternalClientError,  # the connection broke between two states of the protocol
    OSError,
    TimeoutError,
)
BUSY = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, asyncpg.IdleInTransactionSessionTimeoutError)
FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)
RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)  # `Desk.transaction` deals with these itself
CLOSED = "clos"  # "connection is closed", "pool is closing", …: what else the driver refuses is a mistake of ours
OWN_CODES = {"YD001": "file_unknown"}  # raised by our own functions, see the migrations


@contextmanager
def translated() -> Iterator[None]:
    """A lost connection leaves the outcome of a commit unknown; idempotency keys make trying again safe."""
    try:
        yield
    except RETRIED:
        raise
    except FULL as error:
        raise Temporary("disk_full", detail=type(error).__name__, retry_after_seconds=30) from error
    except BUSY as error:
        raise Temporary("database_busy", detail=type(error).__name__, retry_after_seconds=2) from error
    except AWAY as error:
        raise Temporary("database_away", detail=type(error).__name__, retry_after_seconds=5) from error
    except asyncpg.InterfaceError as error:
        if CLOSED not in str(error):
            raise
        raise Temporary("database_away", detail=type(error).__name__, retry_after_seconds=5) from error
    except asyncpg.PostgresError as error:
        if error.sqlstate in OWN_CODES:
            raise Refused(OWN_CODES[error.sqlstate]) from error
        if error.sqlstate == "53100" or "No space left" in str(error):
            raise Temporary("disk_full", detail=str(error.sqlstate), retry_after_seconds=30) from error
        raise
