"""The world of one simulation: what customers, agents and the process share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from yingda.db.wake import JOBS
from yingda.sim.agenda import Agenda
from yingda.sim.chance import SeededChance
from yingda.sim.clock import SimClock
from yingda.sim.faults import NetworkFaults
from yingda.sim.scenario import Scenario

if TYPE_CHECKING:  # types only: these modules import this one
    from yingda.sim.agent import Agent
    from yingda.sim.customer import Customer
    from yingda.sim.process import Process

Mutation = Literal["skip_sweep", "ack_before_commit"]
JOURNAL_STEPS = 100


@dataclass(frozen=True, slots=True)
class Yes:
    """A sender was told "yes" for this message. It stands outside the database, as a sender's memory does."""

    client: str
    message: str


@dataclass
class World:
    scenario: Scenario
    clock: SimClock
    agenda: Agenda
    chance: SeededChance
    network: NetworkFaults
    mutation: Mutation | None = None
    process: Process = field(init=False)
    account_id: int = 0
    agents: list[Agent] = field(default_factory=list)
    readers: dict[int, Customer] = field(default_factory=dict)  # conversation → whose page shows it
    ledger: list[Yes] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)  # conversations that may have moved since they were last judged
    # (step, microseconds since 1970, what) of the last steps
    journal: deque[tuple[int, int, str]] = field(default_factory=lambda: deque(maxlen=JOURNAL_STEPS))
    arrivals: int = 0
    draining: bool = False

    def hear(self, topics: Iterable[str]) -> None:
        """The process hints that something moved: open pages look, and somebody idle looks for work."""
        for topic in sorted(topics):
            if topic == JOBS:
                self.agenda.after(0.0, self.process.work, "jobs")
                continue
            conversation = int(topic)
            self.touched.add(conversation)
            reader = self.readers.get(conversation)
            if reader is not None:
                reader.hear(conversation)
        if not any(agent.is_woken for agent in self.agents):
            idle = next((agent for agent in self.agents if agent.idle), None)
            if idle is not None:
                idle.wake()
