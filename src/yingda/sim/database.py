"""A database for one simulation: made for it, told the simulator's time, dropped after it. The desk's own is never touched."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from yingda.chance import SystemChance
from yingda.db.desk import SERVING, read_jsonb
from yingda.db.errors import translated
from yingda.db.migrate import migrate
from yingda.errors import Refused
from yingda.sim.clock import SimClock

PREFIX = "yingda_sim_"
NAME = re.compile(r"yingda_sim_[0-9a-f]{16}")
ADVISORY_LOCK = 0x73696D  # "sim": between making a database and being in it, nobody may take it for one left behind
# Logic is proven here, durability elsewhere. No time-outs: what a slow machine cuts off would depend on the machine.
# It counts as a process that serves: the check takes a desk without one as switched off.
# The tables grow from nothing and have no statistics yet, so the planner is told to go by index.
SETTINGS = {
    "application_name": SERVING,
    "timezone": "UTC",
    "synchronous_commit": "off",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
LEFT_BEHIND = """
SELECT datname FROM pg_database d WHERE datname LIKE 'yingda\\_sim\\_%'
   AND pg_get_userbyid(datdba) = current_user AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)
 ORDER BY datname
"""
USED = "SELECT EXISTS (SELECT 1 FROM desk) OR EXISTS (SELECT 1 FROM channel_accounts) OR EXISTS (SELECT 1 FROM customers)"
CLOCK = """
CREATE TABLE sim_clock (single boolean PRIMARY KEY DEFAULT true CHECK (single), at timestamptz NOT NULL) WITH (fillfactor = 10);
CREATE OR REPLACE FUNCTION desk_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT at FROM sim_clock $$;
"""


class OneConnection:
    """What the desk takes for its pool: one connection, one thing at a time, and the database's clock set before each."""

    def __init__(self, connection: Any, clock: SimClock) -> None:
        self.connection, self._clock = connection, clock
        self._told = -1
        self._turn = asyncio.Lock()

    async def acquire(self, *, timeout: float | None = None) -> Any:
        """`timeout` is the pool's; it would run by real time, and there is nobody to wait for."""
        await self._turn.acquire()
        try:
            if self._told != self._clock.micros:
                await self.connection.execute("UPDATE sim_clock SET at = $1", self._clock.now())
                self._told = self._clock.micros
        except BaseException:
            self._turn.release()
            raise
        return self.connection

    async def release(self, connection: Any) -> None:
        """A connection that was lost takes its transaction with it."""
        try:
            if connection.is_in_transaction():
                await connection.execute("ROLLBACK")
        finally:
            self._turn.release()

    def get_idle_size(self) -> int:
        return 0 if self._turn.locked() else 1

    def get_size(self) -> int:
        return 1

    get_max_size = get_size


@asynccontextmanager
async def own_database(url: str, clock: SimClock) -> AsyncIterator[OneConnection]:
    """A fresh, migrated database on the server of `url` under the simulator's clock. Refused simulate_no_right when the
    role may not make one."""
    with translated():
        keeper = await asyncpg.connect(url, server_settings={"application_name": "yingda simulate"})
    try:
        name, connection = await _made(keeper, url)
        try:
            await _prepare(connection, name, clock)
            yield OneConnection(connection, clock)
        finally:
            await connection.close(timeout=5)
            # Not FORCE, which may not end the server's own vacuum; plain DROP makes it go and waits. Else the next one sweeps.
            with contextlib.suppress(asyncpg.ObjectInUseError):
                await keeper.execute(f"DROP DATABASE IF EXISTS {name}")
    finally:
        await keeper.close(timeout=5)


async def _made(keeper: Any, url: str) -> tuple[str, Any]:
    name = PREFIX + SystemChance().bytes(8).hex()  # tells simulations beside each other apart; no part of any outcome
    await keeper.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
    try:
        for row in await keeper.fetch(LEFT_BEHIND):  # by simulations that were killed
            if NAME.fullmatch(row["datname"]):
                await keeper.execute(f"DROP DATABASE IF EXISTS {row['datname']}")
        # One locale, so that text sorts alike on every server.
        await keeper.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        return name, await asyncpg.connect(urlsplit(url)._replace(path=f"/{name}").geturl(), server_settings=SETTINGS)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refused("simulate_no_right", "--database", type(error).__name__) from error
    finally:
        await keeper.execute("SELECT pg_advisory_unlock($1)", ADVISORY_LOCK)


async def _prepare(connection: Any, name: str, clock: SimClock) -> None:
    await migrate(connection)
    # desk_now() is replaced only where it can do no harm: in the database made a moment ago, with nothing in it.
    assert await connection.fetchval("SELECT current_database()") == name
    assert NAME.fullmatch(name)
    assert not await connection.fetchval(USED)
    await connection.execute(CLOCK)
    await connection.execute("INSERT INTO sim_clock (at) VALUES ($1)", clock.now())
    await read_jsonb(connection)
