"""Simulations for tests: short days on the session's server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import uvloop

from yingda.clock import SystemClock
from yingda.commands.opened import build_house
from yingda.sim.scenario import scenario_named
from yingda.sim.simulation import Outcome, Simulation
from yingda.sim.world import Mutation


def simulation(
    scenario: str,
    seed: int,
    hours: float,
    *,
    rate: float | None = None,
    agents: int | None = None,
    mutation: Mutation | None = None,
) -> Simulation:
    return Simulation(scenario_named(scenario).with_people(rate, agents, hours * 3600), seed, hours * 3600, mutation)


def play(url: str, one: Simulation, prepare: Callable[[Simulation], None] = lambda one: None) -> Outcome:
    """Run it to its end. `prepare` may put something of its own on the agenda."""
    logging.getLogger("yingda").setLevel(logging.CRITICAL)  # faults are what it is for; each would be a stack trace
    try:
        prepare(one)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(one.run(url, build_house, SystemClock()))
    finally:
        logging.getLogger("yingda").setLevel(logging.NOTSET)


def assert_healthy(outcome: Outcome) -> None:
    __tracebackhide__ = True
    assert outcome.violation is None, "\n".join(outcome.story)
    assert outcome.ok
    assert not any(outcome.answer["violations"].values())
