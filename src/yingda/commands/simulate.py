"""`yingda simulate`: a seeded day of the whole desk, with faults, its invariants asserted after every step."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
from typing import Any, get_args

from yingda.clock import SystemClock
from yingda.commands import out
from yingda.commands.opened import build_house, opened_database, say
from yingda.config import settings
from yingda.errors import Refused
from yingda.sim.scenario import AGENTS_MAX, ARRIVALS_PER_HOUR_MAX, DAYS_MAX, Scenario, scenario_named
from yingda.sim.simulation import DAY_SECONDS, Outcome, Simulation
from yingda.sim.world import Mutation

try:
    import uvloop

    _new_loop: Any = uvloop.new_event_loop  # half the time of a round trip to the database
except ImportError:  # not made for Windows
    _new_loop = None

SEED_MAX = 2**63 - 1
MUTATIONS: tuple[Mutation, ...] = get_args(Mutation)


def add(parsers: Any) -> None:
    parser = parsers.add_parser("simulate", help="simulate days of the desk from a seed, with faults, and assert its invariants")
    parser.add_argument("--seed", metavar="N", default="1", help="the same seed gives the same days, to the last byte")
    parser.add_argument("--days", metavar="D", default="1", help="for how many days customers arrive; 0.1 is one too")
    parser.add_argument("--scenario", metavar="NAME", default="quiet_night", help="quiet_night or double_eleven")
    parser.add_argument("--arrivals-per-hour", metavar="X", help="mean rate of customers; the scenario's shape stands")
    parser.add_argument("--agents", metavar="N", help="how many agents there are; the first leads")
    parser.add_argument("--mutate", metavar="FAULT", help="skip_sweep or ack_before_commit: build in a fault that must be found")
    parser.add_argument("--data", metavar="DIR", help="folder whose embedded server is used (default ./data)")
    parser.add_argument("--database", metavar="URL", help="your own PostgreSQL; a database is made on it and dropped")
    parser.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit 0; 1 on a violation or an unanswered message, with the story on standard error; 2 for bad input."""
    try:
        simulation = _simulation(args)
    except Refused as error:
        return out.refuse(args, error)
    log = logging.getLogger("yingda")
    level = log.level
    log.setLevel(logging.CRITICAL)  # faults are what it is for; each would be a stack trace
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            outcome = runner.run(_simulated(args, simulation))
    finally:
        log.setLevel(level)
    _tell(args, outcome)
    return out.DONE if outcome.ok else out.WRONG


async def _simulated(args: argparse.Namespace, simulation: Simulation) -> Outcome:
    async with opened_database(settings(vars(args))) as url:
        return await simulation.run(url, build_house, SystemClock())


def _simulation(args: argparse.Namespace) -> Simulation:
    seed = _number(args.seed, "--seed", 0, SEED_MAX, whole=True)
    days = _number(args.days, "--days", 0, DAYS_MAX)
    if days * DAY_SECONDS < 1:
        raise Refused("number_out_of_range", "--days")
    scenario = _scenario(args, days * DAY_SECONDS)
    return Simulation(scenario, int(seed), days * DAY_SECONDS, _mutation(args.mutate))


def _scenario(args: argparse.Namespace, seconds: float) -> Scenario:
    rate = agents = None
    if args.arrivals_per_hour is not None:
        rate = _number(args.arrivals_per_hour, "--arrivals-per-hour", 0, ARRIVALS_PER_HOUR_MAX)
    if args.agents is not None:
        agents = int(_number(args.agents, "--agents", 0, AGENTS_MAX, whole=True))
    return scenario_named(args.scenario).with_people(rate, agents, seconds)


def _mutation(name: str | None) -> Mutation | None:
    if name is None:
        return None
    for mutation in MUTATIONS:
        if name == mutation:
            return mutation
    raise Refused("mutation_unknown", f"--mutate {'|'.join(MUTATIONS)}")


def _number(text: str, where: str, low: float, high: float, *, whole: bool = False) -> float:
    """Refused number_malformed, number_out_of_range."""
    try:
        number: float = int(text) if whole else float(text)
    except ValueError:
        raise Refused("number_malformed", where) from None
    if not (math.isfinite(number) and low <= number <= high):
        raise Refused("number_out_of_range", where)
    return number


def _tell(args: argparse.Namespace, outcome: Outcome) -> None:
    for line in outcome.story:
        say(line)
    say(f"{outcome.steps} steps; faults: " + (", ".join(f"{k} {n}" for k, n in sorted(outcome.fired.items())) or "none"))
    if args.json:
        out.print_json(outcome.answer)
        return
    for key, value in outcome.answer.items():
        print(f"{key:<32}{value}")
