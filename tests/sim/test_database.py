"""A simulation touches nothing but the database it made, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from yingda.db.embedded import Server
from yingda.errors import Refused
from yingda.sim.clock import SimClock
from yingda.sim.database import own_database

START = datetime(2026, 11, 10, 12, tzinfo=UTC)
SIMULATED = "SELECT datname FROM pg_database WHERE datname LIKE 'yingda\\_sim\\_%' ORDER BY datname"


async def ask(url: str, sql: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def test_desk_now_is_the_simulators_time_in_its_own_database_only(server: Server, database_url: str) -> None:
    async def scene() -> None:
        clock = SimClock(START)
        async with own_database(database_url, clock) as database:
            connection = await database.acquire()
            assert await connection.fetchval("SELECT desk_now()") == START
            await database.release(connection)
            await clock.sleep(90.5)
            connection = await database.acquire()
            assert await connection.fetchval("SELECT desk_now()") == START + timedelta(seconds=90.5)
            assert await connection.fetchval("SELECT provolatile FROM pg_proc WHERE proname = 'desk_now'") == b"s"
            await database.release(connection)
            assert len(await ask(server.url, SIMULATED)) == 1
        assert await ask(server.url, SIMULATED) == []
        source = await ask(database_url, "SELECT prosrc FROM pg_proc WHERE proname = 'desk_now'")
        assert "statement_timestamp" in source[0]

    asyncio.run(scene())


def test_what_a_killed_simulation_left_behind_is_removed_by_the_next(server: Server) -> None:
    async def scene() -> None:
        left, not_ours = "yingda_sim_0123456789abcdef", "yingda_sim_mine"
        for name in (left, not_ours):
            connection = await asyncpg.connect(server.url)
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            await connection.close()
        async with own_database(server.url, SimClock(START)):
            found = await ask(server.url, SIMULATED)
        assert left not in found
        assert not_ours in found, "a name that no simulation makes is somebody else's"
        connection = await asyncpg.connect(server.url)
        await connection.execute(f"DROP DATABASE {not_ours}")
        await connection.close()

    asyncio.run(scene())


def test_a_role_that_may_make_no_database_is_told_so(server: Server) -> None:
    async def scene() -> None:
        keeper = await asyncpg.connect(server.superuser_url)
        await keeper.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        try:
            url = server.url.replace(server.url.split("//")[1].split("@")[0], "plain:plain")
            with pytest.raises(Refused, match="simulate_no_right"):
                async with own_database(url, SimClock(START)):
                    raise AssertionError("unreachable")
        finally:
            await keeper.execute("DROP ROLE plain")
            await keeper.close()

    asyncio.run(scene())


def test_a_transaction_left_open_by_a_lost_connection_is_rolled_back(server: Server) -> None:
    async def scene() -> None:
        async with own_database(server.url, SimClock(START)) as database:
            connection = await database.acquire()
            await connection.execute("BEGIN")
            await connection.execute("INSERT INTO customers (language, zone) VALUES ('en', 'UTC')")
            await database.release(connection)
            connection = await database.acquire()
            assert await connection.fetchval("SELECT count(*) FROM customers") == 0
            await database.release(connection)

    asyncio.run(scene())
