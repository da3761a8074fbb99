"""An open `Desk` on a test's database, without a house around it, and a way to let its time pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from yingda.chance import SystemChance
from yingda.clock import SystemClock
from yingda.db.desk import COMMAND, Desk, connect_pool

# As in the simulator: desk_now() is one function, and replacing it moves the whole desk in time.
SHIFTABLE = """
CREATE TABLE IF NOT EXISTS time_passed (seconds double precision NOT NULL);
INSERT INTO time_passed SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM time_passed);
CREATE OR REPLACE FUNCTION desk_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT statement_timestamp() + make_interval(secs => (SELECT seconds FROM time_passed)) $$
"""


class HastyClock(SystemClock):
    """Sleeps a hundredth of what it is asked for."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@asynccontextmanager
async def open_desk(url: str, *, size: int = 4, name: str = COMMAND, **wishes: Any) -> AsyncIterator[Desk]:
    pool = await connect_pool(url, size=size, least=1, name=name)
    try:
        clock = wishes.pop("clock", None) or SystemClock()
        yield Desk(pool, clock, SystemChance(), **wishes)
    finally:
        pool.terminate()


async def let_pass(desk: Desk, seconds: float) -> None:
    """Move the desk's time, for every process on this database."""
    async with desk.pool.acquire() as connection:
        await connection.execute(SHIFTABLE)
        await connection.execute("UPDATE time_passed SET seconds = seconds + $1", seconds)


async def rows(desk: Desk, statement: str, *args: object) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await desk.read(lambda tx: tx.fetch(statement, *args))]


async def until_value(desk: Desk, expected: object, statement: str, *args: object) -> None:
    """Look until the database says `expected`, as often as it takes within a minute."""
    async with asyncio.timeout(60):
        while await desk.read(lambda tx: tx.fetchval(statement, *args)) != expected:  # noqa: ASYNC110  another process writes
            await asyncio.sleep(0.02)
