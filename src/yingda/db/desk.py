"""The desk's database door: connections, transactions, the record of what happened, hints after commit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, TypeVar

import asyncpg
import msgspec

from yingda.chance import Chance
from yingda.clock import Clock
from yingda.db.errors import translated
from yingda.db.event import Fact, body_of
from yingda.db.wake import JOBS, Wakes
from yingda.errors import Temporary

T = TypeVar("T")
Row: TypeAlias = Mapping[str, Any]  # asyncpg's Record is read like one

RETRIES_MAX = 3
RETRY_WAIT_SECONDS = 0.02
ACQUIRE_WAIT_SECONDS_MAX = 5.0
SERVING, COMMAND = "yingda serve", "yingda"  # how the database knows our connections (pg_stat_activity)
SERVING_LIMITS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "timezone": "UTC",
}


class Faults(Protocol):
    """Where the simulator and the kill tests stand: around each statement and each commit. Nothing in production."""

    async def before(self, statement: str) -> None: ...
    async def after(self, statement: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Written:
    """Where an event stands: `seq` counts all, `shown_seq` only what the customer may see (None: not shown)."""

    conversation: int
    seq: int
    shown_seq: int | None
    at: datetime


class Tx:
    """An open transaction. Every door that changes state takes one; nothing but the database is awaited inside."""

    def __init__(self, desk: Desk, connection: Any) -> None:
        self.desk = desk
        self._connection = connection
        self.woken: set[str] = set()

    async def fetch(self, statement: str, *args: object) -> list[Row]:
        return await self._run(self._connection.fetch, statement, args)  # type: ignore[no-any-return]

    async def fetchrow(self, statement: str, *args: object) -> Row | None:
        return await self._run(self._connection.fetchrow, statement, args)  # type: ignore[no-any-return]

    async def fetchval(self, statement: str, *args: object) -> Any:
        return await self._run(self._connection.fetchval, statement, args)

    async def execute(self, statement: str, *args: object) -> str:
        return await self._run(self._connection.execute, statement, args)  # type: ignore[no-any-return]

    async def now(self) -> datetime:
        """desk_now(): the one time that is written into rows."""
        return await self.fetchval("SELECT desk_now()")  # type: ignore[no-any-return]

    async def record(self, conversation: int, fact: Fact, *, shown: bool = False) -> Written:
        """Write the event under the conversation's row lock and the jobs that follow it, all in this transaction."""
        row = await self.fetchrow(
            "SELECT seq, shown_seq, at FROM append_event($1, $2, $3, $4, $5)",
            conversation,
            fact.kind,
            body_of(fact),
            shown,
            list(self.desk.follows.get(fact.kind, ())),
        )
        assert row is not None
        self.wake(conversation)
        if fact.kind in self.desk.follows:
            self.woken.add(JOBS)
        return Written(conversation, row["seq"], row["shown_seq"], row["at"])

    def wake(self, conversation: int) -> None:
        """After the commit, hint to every reader that this conversation moved."""
        self.woken.add(str(conversation))

    async def _run(self, call: Callable[..., Awaitable[Any]], statement: str, args: tuple[object, ...]) -> Any:
        faults = self.desk.faults
        if faults is None:
            return await call(statement, *args)
        await faults.before(statement)
        result = await call(statement, *args)
        await faults.after(statement)
        return result


Work = Callable[[Tx], Awaitable[T]]


class Desk:
    """One per process, built by `wiring`. `follows` says which jobs follow which fact; lower folders never know."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        clock: Clock,
        chance: Chance,
        *,
        follows: Mapping[str, tuple[str, ...]] | None = None,
        wakes: Wakes | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.pool, self.clock, self.chance, self.faults = pool, clock, chance, faults
        self.follows: Mapping[str, tuple[str, ...]] = follows or {}
        self.wakes = wakes or Wakes()

    async def transaction(self, work: Work[T]) -> T:
        """Run `work(tx)` and commit. Serialisation failures and deadlocks are tried again, so `work` may run up to four
        times and must have no effect but on the database. Raises `Temporary` when the database is away, busy or full."""
        return await self._retried(self._committed, work)

    async def statement(self, work: Work[T]) -> T:
        """Run `work(tx)` where it executes exactly one statement, which is its own transaction: one round trip."""
        return await self._retried(self._plain, work)

    async def read(self, work: Work[T]) -> T:
        """Run a `work` of reads, each statement seeing its own moment."""
        return await self._retried(self._plain, work)

    async def sync_clock(self) -> None:
        """Take over the database's time, so that due times told to customers do not hang on this machine's clock."""
        database_now = await self.statement(Tx.now)
        agree = getattr(self.clock, "agree", None)  # the simulator's clock is the database's already
        if agree is not None:
            agree(database_now)

    async def _retried(self, way: Callable[[Work[T]], Awaitable[T]], work: Work[T]) -> T:
        for attempt in range(RETRIES_MAX + 1):
            try:
                return await way(work)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
                if attempt == RETRIES_MAX:
                    raise Temporary("database_busy", detail=type(error).__name__) from error
                await self.clock.sleep(RETRY_WAIT_SECONDS * (2**attempt) * self.chance.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    async def _committed(self, work: Work[T]) -> T:
        async with self._connection() as connection:
            tx = Tx(self, connection)
            await tx.execute("BEGIN")
            try:
                result = await work(tx)
            except BaseException:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            # A transaction in which a statement failed is rolled back by its COMMIT, and PostgreSQL calls that no error.
            ended = await tx.execute("COMMIT")
            assert ended == "COMMIT", f"not committed but {ended}: the work went on after a failed statement"
        self.wakes.hint(tx.woken)
        return result

    async def _plain(self, work: Work[T]) -> T:
        async with self._connection() as connection:
            tx = Tx(self, connection)
            result = await work(tx)
        self.wakes.hint(tx.woken)
        return result

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with translated():
            connection = await self._acquired()
            try:
                yield connection
            finally:
                await self.pool.release(connection)

    async def _acquired(self) -> Any:
        # A timer only when there is something to wait for: it is a tenth of what a statement costs here.
        if self.pool.get_idle_size():
            return await self.pool.acquire()
        try:
            return await self.pool.acquire(timeout=ACQUIRE_WAIT_SECONDS_MAX)
        except TimeoutError as error:
            if self.pool.get_size() < self.pool.get_max_size():
                raise  # it was connecting: the database is away
            raise Temporary("database_busy", detail="every connection is in use", retry_after_seconds=2) from error


class _ServingConnection(asyncpg.Connection):  # type: ignore[misc]
    """We keep no session state, so giving a connection back needs no round trip."""

    def get_reset_query(self) -> str:
        return ""


async def connect_pool(url: str, *, size: int = 16, least: int = 2, name: str = COMMAND) -> asyncpg.Pool[Any]:
    """A pool whose connections carry the serving limits and read jsonb as Python values."""
    with translated():
        pool = await asyncpg.create_pool(
            url,
            min_size=min(least, size),
            max_size=size,
            server_settings={**SERVING_LIMITS, "application_name": name},
            connection_class=_ServingConnection,
            init=read_jsonb,
            command_timeout=30,
            timeout=10,
        )
    assert pool is not None
    return pool


async def read_jsonb(connection: Any) -> None:
    """Let a connection read and write jsonb as Python values; in binary form, so that composite types may hold it too."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_jsonb, decoder=lambda b: msgspec.json.decode(b[1:])
    )


def _jsonb(value: object) -> bytes:
    return b"\x01" + json.dumps(value).encode()  # the version of the binary form, and the text
