"""Reply committed → on the customer's stream, with 2,000 streams open; memory a stream costs; what an idle desk costs.

Replies are committed by another process than the one that serves, so the way is the longest one: commit, hint, read, write.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time

import psutil

from benchmarks.chat import Asker
from benchmarks.desk import Measured, connect, running_desk
from benchmarks.load import hammer
from yingda.chance import SystemChance
from yingda.clock import SystemClock
from yingda.conversations.reply import reply
from yingda.db.desk import Desk, connect_pool
from yingda.people.viewer import AgentViewer
from yingda.wiring import FOLLOWS

STREAMS = int(os.environ.get("BENCH_STREAMS", "2000"))
REPLIES = int(os.environ.get("BENCH_REPLIES", "400"))
GAP_SECONDS = 0.02
P99_MS_MAX, MB_PER_1000_MAX, IDLE_MB_MAX = 100.0, 40.0, 250.0


def pss_mb(*roots: int) -> float:
    """Proportional set size of these processes and their children: shared pages are counted once."""
    processes = [p for root in roots for p in (psutil.Process(root), *psutil.Process(root).children(recursive=True))]
    return sum(p.memory_full_info().pss for p in processes) / 2**20


class Stream:
    """One open stream; notes when each line arrives."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}
        self.rest = b""

    async def open(self, port: int, path: str, header: str) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: desk\r\n{header}\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head
        self.task = asyncio.create_task(self.read())

    async def read(self) -> None:
        while data := await self.reader.read(65536):
            now = time.perf_counter()
            for line in data.split(b"\n"):
                if line.startswith(b"id: "):
                    self.seen.setdefault(int(line[4:]), now)


async def open_all(desk: Measured, asker: Asker) -> dict[int, Stream]:
    made = itertools.islice(asker.known("s", STREAMS), STREAMS)
    assert (await hammer("127.0.0.1", desk.port, made, 120, 16)).answers == STREAMS
    connection = await connect(desk)
    rows = await connection.fetch(
        "SELECT c.id, h.value FROM conversations c JOIN handles h ON h.customer_id = c.customer_id ORDER BY c.id"
    )
    await connection.close()
    streams: dict[int, Stream] = {}
    for row in rows:
        streams[row["id"]] = stream = Stream()
        path = f"/chat/{asker.widget_key}/stream?conversation={row['id']}&after=0"
        await stream.open(desk.port, path, asker.header(row["value"]))
    return streams


async def measure() -> list[dict]:
    async with running_desk() as desk:
        await asyncio.sleep(2)
        idle = pss_mb(desk.process.pid, desk.server.pid)
        asker = Asker(desk.demo)
        await hammer("127.0.0.1", desk.port, itertools.islice(asker.known("warm", 100), 500), 60, 16)
        before = pss_mb(desk.process.pid)
        streams = await open_all(desk, asker)
        await asyncio.sleep(3)
        per_1000 = (pss_mb(desk.process.pid) - before) / len(streams) * 1000
        late = sorted(await replies(desk, streams))
        for stream in streams.values():
            stream.task.cancel()
            stream.writer.close()
    p99 = late[int(len(late) * 0.99)]
    return [
        {"name": "idle_pss_mb", "value": round(idle, 1), "most": IDLE_MB_MAX},
        {"name": "stream_mb_per_1000", "value": round(per_1000, 1), "most": MB_PER_1000_MAX, "streams": len(streams)},
        {"name": "reply_to_stream_p99_ms", "value": round(p99, 1), "most": P99_MS_MAX, "p50": round(late[len(late) // 2], 1),
         "replies": len(late)},
    ]  # fmt: skip


async def replies(desk: Measured, streams: dict[int, Stream]) -> list[float]:
    """Milliseconds from the commit's return to the arrival, for replies to conversations spread over all streams."""
    pool = await connect_pool(desk.url, size=2)
    clock, chance = SystemClock(), SystemChance()
    house = Desk(pool, clock, chance, follows=FOLLOWS)
    house.wakes.start(desk.url, clock, chance)
    await asyncio.sleep(0.5)
    row = await pool.fetchrow("SELECT id, name, language, zone FROM agents WHERE role = 'lead'")
    agent = AgentViewer(row["id"], row["name"], "lead", row["language"], row["zone"])
    numbers = list(streams)
    sent = []
    for i in range(REPLIES):
        number = numbers[(i * 7919) % len(numbers)]
        seq = await pool.fetchval("SELECT seq FROM conversations WHERE id = $1", number)
        written = await house.transaction(
            lambda tx, n=number, s=seq, k=i: reply(tx, agent, n, text="Your money is safe.", seen_through=s, key=f"k{k}")
        )
        sent.append((number, written.shown_seq, time.perf_counter()))
        await asyncio.sleep(GAP_SECONDS)
    await asyncio.sleep(3)
    await house.wakes.stop()
    await pool.close()
    missing = [n for n, shown, _ in sent if shown not in streams[n].seen]
    assert not missing, f"{len(missing)} replies never arrived"
    return [(streams[n].seen[shown] - at) * 1000 for n, shown, at in sent]


def main() -> int:
    figures = asyncio.run(measure())
    for one in figures:
        print(json.dumps(one), flush=True)
    return int(any(one["value"] > one["most"] for one in figures))


if __name__ == "__main__":
    sys.exit(main())
