"""What the processes of these tests do: lanes of work and runners of periodic doors, real ones."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.open_desk import HastyClock, open_desk
from tests.processes import Say

from yingda.db.desk import Desk
from yingda.db.wake import JOBS
from yingda.jobs.periodic import Door, Rounds
from yingda.jobs.periodic import run_forever as rounds_forever
from yingda.jobs.work import Worker, enqueue, work_forever


async def note(desk: Desk, args: dict[str, Any]) -> None:
    """A job whose runs can be counted: one row for each."""
    await desk.statement(lambda tx: tx.execute("INSERT INTO runs (number) VALUES ($1)", args["number"]))


async def work_until_empty(say: Say, url: str, name: str) -> None:
    async with open_desk(url) as desk:
        worker = Worker(desk, {"note": note}, name)
        claimed = 0
        while (count := await worker.step()) > 0:
            claimed += count
        say(claimed)


async def work_and_hang(say: Say, url: str, name: str) -> None:
    """Does the first job and hangs in the second, so that both are still held."""

    async def handler(desk: Desk, args: dict[str, Any]) -> None:
        if args["number"] == 1:
            await note(desk, args)
        else:
            say("hanging")
            await asyncio.Event().wait()

    async with open_desk(url) as desk:
        await Worker(desk, {"note": handler}, name).step()


async def work_slowly(say: Say, url: str, name: str) -> None:
    """A lane in its shell, beating a hundred times as often as in earnest, with a job that does not end."""

    async def handler(desk: Desk, args: dict[str, Any]) -> None:
        say("working")
        await asyncio.Event().wait()

    async with open_desk(url, clock=HastyClock()) as desk:
        await work_forever(Worker(desk, {"note": handler}, name), asyncio.Event())


async def work_on_hints(say: Say, url: str, name: str) -> None:
    """A lane that hears the other processes; says the number of each job it has done."""

    async def handler(desk: Desk, args: dict[str, Any]) -> None:
        say(args["number"])

    something = asyncio.Event()
    async with open_desk(url) as desk:
        desk.wakes.listen(lambda topics: something.set() if JOBS in topics else None)
        desk.wakes.start(url, desk.clock, desk.chance)
        await enqueue_one(desk, 0)  # its own first job shows that the lane is up
        await work_forever(Worker(desk, {"note": handler}, name), something)


async def enqueue_one(desk: Desk, number: int) -> int:
    return await desk.transaction(lambda tx: enqueue(tx, "note", {"number": number}))


async def run_doors(say: Say, url: str, name: str, names: list[str]) -> None:
    """A runner whose doors take a moment and write down when they began and ended."""

    def door(which: str) -> Door:
        async def step(desk: Desk) -> None:
            turn = await desk.statement(
                lambda tx: tx.fetchval("INSERT INTO turns (door, runner) VALUES ($1, $2) RETURNING number", which, name)
            )
            await asyncio.sleep(0.02)
            await desk.statement(lambda tx: tx.execute("UPDATE turns SET ended_at = clock_timestamp() WHERE number = $1", turn))

        return Door(which, 0.05, 5.0, step)

    async with open_desk(url) as desk:
        say("up")
        await rounds_forever(Rounds(desk, {which: door(which) for which in names}, name))


async def hang_in_door(say: Say, url: str, name: str) -> None:
    async def step(desk: Desk) -> None:
        say("hanging")
        await asyncio.Event().wait()

    async with open_desk(url) as desk:
        await Rounds(desk, {"sweep": Door("sweep", 1.0, 5.0, step)}, name).step()
