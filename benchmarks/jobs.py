"""Jobs a second: our workers against a bare batched loop of the same statements, in one run, on one durable database.

Five interleaved rounds; the figure is the median of the rounds' ratios. Run: python -m benchmarks.jobs
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import uvloop

from yingda.chance import SystemChance
from yingda.clock import SystemClock
from yingda.db import embedded
from yingda.db.desk import Desk, connect_pool
from yingda.db.migrate import migrate
from yingda.jobs.work import BATCH, CLAIM, DONE, LEASE_SECONDS, Worker

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
JOBS = int(os.environ.get("BENCH_JOBS", "20000"))
LANES = 2
MUST = 0.7
FILL = (
    "INSERT INTO jobs (kind, args) SELECT 'note', jsonb_build_object('conversation', n, 'seq', 1) FROM generate_series(1, $1) n"
)


async def nothing(desk: Desk, args: dict[str, Any]) -> None:
    """The work itself is not what is measured."""


async def bare_lane(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        while rows := await connection.fetch(CLAIM, name, LEASE_SECONDS, BATCH):
            await connection.execute(DONE, [row["id"] for row in rows], name)
    finally:
        await connection.close()


async def our_lane(desk: Desk, name: str) -> None:
    worker = Worker(desk, {"note": nothing}, name)
    while await worker.step():
        pass


async def rate(admin: asyncpg.Connection, lanes: Callable[[str], Awaitable[None]]) -> float:
    """Jobs a second of LANES lanes over JOBS jobs."""
    await admin.execute("TRUNCATE jobs")
    await admin.execute(FILL, JOBS)
    await admin.execute("VACUUM ANALYZE jobs")
    began = perf_counter()
    await asyncio.gather(*(lanes(f"lane{number}") for number in range(LANES)))
    took = perf_counter() - began
    assert await admin.fetchval("SELECT count(*) FROM jobs") == 0
    return JOBS / took


async def measure() -> dict[str, Any]:
    data = Path(tempfile.mkdtemp(prefix="yingda-bench-"))
    server = await embedded.start(data, say=lambda line: None)
    try:
        admin = await asyncpg.connect(server.url)
        await migrate(admin)
        pool = await connect_pool(server.url, size=LANES, least=LANES)
        desk = Desk(pool, SystemClock(), SystemChance())
        ours, bare = [], []
        for _ in range(ROUNDS):
            bare.append(await rate(admin, lambda name: bare_lane(server.url, name)))
            ours.append(await rate(admin, lambda name: our_lane(desk, name)))
        await pool.close()
        await admin.close()
    finally:
        await server.stop()
        for folder in (server.data_dir.parent, data):
            shutil.rmtree(folder, ignore_errors=True)
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    return {"name": "jobs", "ratio": round(ratio, 3), "must": MUST, "ours": round(statistics.median(ours)),
            "bare": round(statistics.median(bare))}  # fmt: skip


def main() -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # both sides on the loop that serves
        figure = runner.run(measure())
    print(json.dumps(figure), flush=True)
    return 0 if figure["ratio"] >= figure["must"] else 1


if __name__ == "__main__":
    sys.exit(main())
