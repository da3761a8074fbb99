"""Open the desk for a command: its database (embedded or yours), migrations, its keys, and the `House`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

import asyncpg

from yingda.chance import Chance, SystemChance
from yingda.clock import SystemClock
from yingda.config import Settings
from yingda.db import embedded
from yingda.db.desk import COMMAND, SERVING, Desk, Tx, connect_pool
from yingda.db.errors import translated
from yingda.db.migrate import migrate
from yingda.jobs.periodic import install
from yingda.people.master_key import MasterKey, load_master_key
from yingda.trust.receipt import Signer, load_signer, make_signing_key, public_keys
from yingda.wiring import FOLLOWS, House

DESK_ID_BYTES = 12
FIRST_RESPONSE_MINUTES = 10
DEFAULT_ZONE = "Asia/Shanghai"
DEFAULT_NAMES = {"zh-CN": "应答客服台", "en": "Yingda support"}


OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY ($1) AND pid <> pg_backend_pid()
"""


def say(line: str) -> None:
    """Progress for the person at the terminal: always on standard error, standard output is for results."""
    print(line, file=sys.stderr, flush=True)


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[str]:
    """The URL of a running database. An embedded server that we started is stopped at the end; one we found is not."""
    if settings.database:
        yield settings.database
        return
    server = await embedded.start(settings.data, say=say)
    watching = asyncio.create_task(server.watch(), name="database")
    try:
        yield server.url
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        if not await _others_are_connected(server.url):
            await server.stop(adopted_too=True)


async def _others_are_connected(url: str) -> bool:
    """Whether another process of ours uses this server: then it stays, whoever of us started it."""
    try:
        connection = await asyncpg.connect(url, timeout=5, server_settings={"application_name": COMMAND})
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False  # nobody can be using what does not answer
    try:
        return bool(await connection.fetchval(OTHERS, [COMMAND, SERVING]))
    finally:
        await connection.close()


@asynccontextmanager
async def opened_house(settings: Settings, *, size: int | None = None, live: bool = False) -> AsyncIterator[House]:
    """A `House` on a migrated database. `live`: joins the other processes' hints."""
    chance = SystemChance()
    async with opened_database(settings) as url:
        with translated():
            connection = await asyncpg.connect(url)
            try:
                await migrate(connection, say=say)
            finally:
                await connection.close()
        master = load_master_key(settings.data, settings.master_key, chance)
        name = SERVING if live else COMMAND
        pool = await connect_pool(url, size=size or settings.connections, name=name)
        try:
            house = await build_house(Desk(pool, SystemClock(), chance, follows=FOLLOWS), master)
            await house.desk.sync_clock()
            if live:
                house.desk.wakes.start(settings.database_direct or url, house.desk.clock, chance)
            try:
                yield house
            finally:
                await house.desk.wakes.stop()
        finally:
            await pool.close()


async def build_house(desk: Desk, master: MasterKey) -> House:
    """The desk's row and signing key are made at the first start; of two processes starting at once, one makes them."""
    signer = await desk.transaction(lambda tx: _first_start(tx, master, desk.chance))
    house = House(desk, master, signer)
    await desk.transaction(lambda tx: install(tx, list(house.doors.values())))
    return house


async def _first_start(tx: Tx, master: MasterKey, chance: Chance) -> Signer:
    await tx.execute("LOCK TABLE desk IN SHARE ROW EXCLUSIVE MODE")
    if await tx.fetchval("SELECT count(*) FROM desk") == 0:
        hours = json.loads((resources.files("yingda.conversations") / "data" / "hours.json").read_text("utf-8"))
        await tx.execute(
            "INSERT INTO desk (id, name, language, zone, hours, first_response_minutes) VALUES ($1, $2, $3, $4, $5, $6)",
            chance.token(DESK_ID_BYTES),
            DEFAULT_NAMES["zh-CN"],
            "zh-CN",
            DEFAULT_ZONE,
            hours,
            FIRST_RESPONSE_MINUTES,
        )
        await make_signing_key(tx, master, chance)
    return await load_signer(tx, master)


async def publish_keys(house: House, settings: Settings) -> None:
    """The public receipt keys into the data folder, so that `receipt verify` needs no database."""
    keys = await house.desk.read(public_keys)
    (settings.data / "receipt-key.json").write_text(json.dumps(keys, indent=1) + "\n", "utf-8")
