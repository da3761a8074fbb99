"""The desk's process: the real house on the simulator's database. Killed at any statement, the next one knows nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

from yingda.db.desk import Desk
from yingda.db.wake import Wakes
from yingda.errors import Temporary
from yingda.jobs.periodic import Rounds
from yingda.jobs.work import Worker
from yingda.people.master_key import KEY_BYTES, MasterKey
from yingda.sim.chance import SeededChance
from yingda.sim.database import OneConnection
from yingda.sim.faults import DatabaseFaults, Killed
from yingda.sim.world import World
from yingda.wiring import FOLLOWS, House

T = TypeVar("T")
Build = Callable[[Desk, MasterKey], Awaitable[House]]

BUSY_TICK_SECONDS = 1.0  # as often as the desk sweeps
IDLE_TICK_SECONDS = 5.0  # nothing can fall due before; within the age at which a silent sweep is an alarm
BEAT_SECONDS = 20.0
DOORS_PER_TICK_MAX = 10


class Process:
    """`build` makes a house on a desk, as the commands do. Calls go through `call`, which is where a kill is met."""

    def __init__(self, world: World, database: OneConnection, faults: DatabaseFaults, build: Build, chance: SeededChance) -> None:
        self._world, self._database, self._faults, self._build = world, database, faults, build
        self._chance = chance
        self._master = MasterKey(chance.bytes(KEY_BYTES), chance)
        self._lives = 0
        self._beat_at = 0.0
        self.killed_at: float | None = None
        self.house: House

    async def start(self) -> None:
        """A new process: empty memory, new names, the same rows."""
        self._lives += 1
        self._faults.armed = False
        wakes = Wakes()
        desk = self.plain_desk(wakes)
        self.house = await self._build(desk, self._master)
        wakes.listen(self._world.hear)
        desk.faults = self._faults
        doors = dict(self.house.doors)
        if self._world.mutation == "skip_sweep":
            doors["sweep"] = replace(doors["sweep"], step=_nothing)
        self.rounds = _Rounds(desk, doors, f"rounds-{self._lives}")
        self.worker = Worker(desk, self.house.handlers, f"worker-{self._lives}")
        self._faults.armed = True

    def plain_desk(self, wakes: Wakes | None = None) -> Desk:
        """A desk on the same database without faults: for those who watch."""
        return Desk(cast(Any, self._database), self._world.clock, self._chance, follows=FOLLOWS, wakes=wakes)

    async def call(self, request: Callable[[House], Awaitable[T]]) -> T:
        """One call from outside. When the process is killed under it, the caller learns only that the line went dead."""
        try:
            return await request(self.house)
        except Killed:
            self.killed_at = self._world.clock.monotonic()
            await self.start()
            raise Temporary("connection_lost", retry_after_seconds=1) from None

    async def tick(self) -> None:
        """What runs by the clock: every door that is due, then jobs, then leases."""
        try:
            for _ in range(DOORS_PER_TICK_MAX):
                if await self.call(lambda _: self.rounds.step()) is None:
                    break
        except Temporary:
            pass  # the next tick is the shell's retry
        await self.work()
        if self._world.clock.monotonic() - self._beat_at >= BEAT_SECONDS:
            self._beat_at = self._world.clock.monotonic()
            await self._quietly(lambda _: self.worker.beat())

    async def work(self) -> None:
        """One batch of jobs."""
        await self._quietly(lambda _: self.worker.step())

    async def _quietly(self, request: Callable[[House], Awaitable[object]]) -> None:
        try:
            await self.call(request)
        except Temporary:
            return


class _Rounds(Rounds):
    """Without the heartbeat, which goes by real time: a slow machine must change nothing of a simulated day."""

    async def _renewed(self, name: str, step: asyncio.Future[object]) -> None:
        await step


async def _nothing(desk: Desk) -> None:
    """The mutated sweep: it comes to its end and has moved nothing."""
