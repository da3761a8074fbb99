"""One simulation: a fresh desk, its people, the loop, and what came of it. One process, one connection, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from yingda.clock import Clock
from yingda.db.desk import Tx
from yingda.db.event import EPOCH
from yingda.people.accounts import add_account
from yingda.people.agents import NewAgent, add_agent
from yingda.people.viewer import AgentViewer
from yingda.sim.agenda import Agenda
from yingda.sim.agent import Agent
from yingda.sim.chance import SeededChance
from yingda.sim.clock import MICROS, SimClock
from yingda.sim.customer import Customer
from yingda.sim.database import own_database
from yingda.sim.faults import DatabaseFaults, NetworkFaults
from yingda.sim.outcome import INVARIANTS, NOT_CHECKED, digest_of, figures, waits
from yingda.sim.process import BUSY_TICK_SECONDS, IDLE_TICK_SECONDS, Build, Process
from yingda.sim.scenario import ZONE, Scenario
from yingda.sim.story import story
from yingda.sim.violation import Violation
from yingda.sim.watch import RECOVERY_SECONDS, Watch
from yingda.sim.world import Mutation, World

DAY_SECONDS = 86_400.0
WATCHFUL_SECONDS = 60.0
FULL_SECONDS = 6 * 3600.0
DRAIN_SECONDS_MAX = 12 * 3600.0
DRAIN_LOOK_SECONDS = 60.0
SOON_SECONDS = 6.0  # so long before the watch calls it a violation, something is due: from then on every second counts
CHINESE_SHARE = 0.6
WIDGET_KEY = "wk_simulation"
NO_PASSWORD = "!"  # no hash of anything: simulated agents do not sign in with one  # noqa: S105
CONVERSATIONS = "SELECT count(*) FROM conversations"
UNSETTLED = """
SELECT EXISTS (SELECT 1 FROM lines WHERE awaits) OR EXISTS (SELECT 1 FROM deliveries WHERE state = 'pending')
"""


@dataclass(frozen=True)
class Outcome:
    """`answer` holds the keys of the command; `violation` what ended it early; `fired` the faults that happened, by kind."""

    answer: dict[str, Any]
    violation: Violation | None
    story: tuple[str, ...]
    fired: dict[str, int]
    steps: int

    @property
    def ok(self) -> bool:
        return self.violation is None and not self.answer["unanswered"]


class Simulation:
    """`seconds`: how long customers arrive; then everything that is open is worked off."""

    def __init__(self, scenario: Scenario, seed: int, seconds: float, mutation: Mutation | None = None) -> None:
        self.scenario, self.seed, self.seconds = scenario, seed, seconds
        clock = SimClock(scenario.start)
        self.network = NetworkFaults(scenario.faults, SeededChance(seed, "network"))
        self.faults = DatabaseFaults(scenario.faults, SeededChance(seed, "database"), clock)
        self.world = World(scenario, clock, Agenda(clock), SeededChance(seed, "people"), self.network, mutation)
        self._arrivals = SeededChance(seed, "arrivals")
        self._end = clock.micros + round(seconds * MICROS)
        self._zone = ZoneInfo(ZONE)
        self._is_over = False
        self._steps = 0

    async def run(self, database_url: str, build: Build, stopwatch: Clock) -> Outcome:
        """On a database of its own on the server of `database_url`, dropped afterwards."""
        async with own_database(database_url, self.world.clock) as database:
            self.world.process = Process(self.world, database, self.faults, build, SeededChance(self.seed, "desk"))
            self._watch = Watch(self.world, self.world.process.plain_desk())
            await self._open()
            began = stopwatch.monotonic()
            violation = await self._play()
            return await self._outcome(violation, max(stopwatch.monotonic() - began, 1e-6))

    async def _open(self) -> None:
        """The desk's row, its account and its people, then everything that happens by itself."""
        world = self.world
        await world.process.start()
        await world.process.plain_desk().transaction(self._populate)
        self._plan_shifts()
        self._plan_arrival()
        world.agenda.after(0.0, self._tick, "tick")
        world.agenda.at(self._end, self._drain, "no more arrivals")

    async def _populate(self, tx: Tx) -> None:
        await tx.execute("UPDATE desk SET hours = $1", self.scenario.hours)
        self.world.account_id = await add_account(tx, channel="chat", name="Simulated wallet", widget_key=WIDGET_KEY)
        for number in range(self.scenario.agents):
            name = f"Agent {number + 1}"
            language = "en" if number % 3 == 2 else "zh-CN"
            new = NewAgent(f"agent{number + 1}@desk.invalid", name, "agent" if number else "lead", NO_PASSWORD, language, ZONE)
            agent = await add_agent(tx, new)
            viewer = AgentViewer(agent, name, "agent" if number else "lead", language, ZONE)
            self.world.agents.append(Agent(self.world, viewer))

    def _plan_shifts(self) -> None:
        """Every shift that touches the days in which customers arrive; whoever is in the middle of one is there at once."""
        start = self.scenario.start.astimezone(self._zone)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        for number, agent in enumerate(self.world.agents):
            shift = self.scenario.shifts[number % len(self.scenario.shifts)]
            for day in range(-1, int(self.seconds / DAY_SECONDS) + 2):
                begins = (midnight + timedelta(days=day, hours=shift.start_hour) - start).total_seconds()
                ends = begins + shift.hours * 3600
                if ends > 0 and begins < self.seconds:
                    self.world.agenda.after(begins, agent.sign_on, f"{agent.viewer.name} signs on")
                    self.world.agenda.after(ends, agent.sign_off, f"{agent.viewer.name} signs off")

    # what happens by itself

    def _plan_arrival(self) -> None:
        """A Poisson process whose rate varies by the hour, by thinning (Lewis and Shedler 1979)."""
        most = max(self.scenario.per_hour)
        at = self.world.clock.micros
        while most:
            at += round(self._arrivals.waiting(3600 / most) * MICROS)
            if at >= self._end:
                return
            hour = (EPOCH + timedelta(microseconds=at)).astimezone(self._zone).hour
            if self._arrivals.happens(self.scenario.per_hour[hour] / most):
                self.world.agenda.at(at, self._arrive, "a customer arrives")
                return

    async def _arrive(self) -> None:
        self.world.arrivals += 1
        language = "zh-CN" if self._arrivals.happens(CHINESE_SHARE) else "en"
        await Customer(self.world, self.world.arrivals, language).arrive()
        self._plan_arrival()

    async def _tick(self) -> None:
        faults = self.faults.fired.total()
        await self.world.process.tick()
        is_whole = self.faults.fired.total() == faults and self._watch.recovered(RECOVERY_SECONDS)
        idle = min(IDLE_TICK_SECONDS, self._watch.soonest_seconds - SOON_SECONDS) if is_whole else 0.0
        self.world.agenda.after(max(BUSY_TICK_SECONDS, idle), self._tick, "tick")

    async def _drain(self) -> None:
        """No more arrivals, everybody at work, until nothing is open."""
        world = self.world
        world.draining = True
        for agent in world.agents:
            await agent.sign_on()
        world.agenda.after(DRAIN_LOOK_SECONDS, self._look_drained, "is anything open?")
        world.agenda.after(DRAIN_SECONDS_MAX if world.agents else DRAIN_LOOK_SECONDS, self._end_here, "enough")

    async def _look_drained(self) -> None:
        if await self.world.process.plain_desk().read(lambda tx: tx.fetchval(UNSETTLED)):
            self.world.agenda.after(DRAIN_LOOK_SECONDS, self._look_drained, "is anything open?")
        else:
            await self._end_here()

    async def _end_here(self) -> None:
        self._is_over = True

    # the loop

    async def _play(self) -> Violation | None:
        agenda, world = self.world.agenda, self.world
        for seconds, full in ((WATCHFUL_SECONDS, False), (FULL_SECONDS, True)):
            agenda.after(seconds, partial(self._check, seconds, full), "check")
        try:
            while not self._is_over:
                entry = agenda.next()
                self._steps += 1
                world.journal.append((self._steps, world.clock.micros, entry.name))
                await entry.action()
                await self._watch.look()
            await self._watch.whole(full=True)
        except Violation as violation:
            return violation
        return None

    async def _check(self, seconds: float, full: bool) -> None:
        await self._watch.whole(full=full)
        self.world.agenda.after(seconds, partial(self._check, seconds, full), "check")

    async def _outcome(self, violation: Violation | None, real_seconds: float) -> Outcome:
        desk, world = self.world.process.plain_desk(), self.world
        found = await desk.read(figures)
        violations: dict[str, int | None] = {name: None if name in NOT_CHECKED else 0 for name in INVARIANTS}
        if violation is not None:
            violations[violation.invariant] = 1
        answer = {
            "seed": self.seed, "scenario": self.scenario.name, "arrivals": world.arrivals,
            "arrivals_per_hour": round(world.arrivals * 3600 / self.seconds, 3), **found, "violations": violations,
            "wait_seconds": await desk.read(waits), "digest": await desk.read(digest_of),
            "conversations_per_real_second": round(await desk.read(lambda tx: tx.fetchval(CONVERSATIONS)) / real_seconds, 2),
            "simulated_hours_per_real_minute": round(world.clock.monotonic() / 60 / real_seconds, 2),
        }  # fmt: skip
        fired = dict(self.faults.fired + self.network.fired)
        told = () if violation is None else await desk.read(lambda tx: story(tx, world.journal, violation))
        return Outcome(answer, violation, told, fired, self._steps)
