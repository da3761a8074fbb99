"""The simulator's own time, chance, agenda and faults."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest

from yingda.errors import Refused
from yingda.sim.agenda import Agenda
from yingda.sim.chance import SeededChance
from yingda.sim.clock import SimClock
from yingda.sim.faults import APART_SECONDS, COMMIT, DatabaseFaults, Killed, NetworkFaults, Rates
from yingda.sim.outcome import nearest_rank
from yingda.sim.scenario import SCENARIOS, scenario_named

START = datetime(2026, 11, 10, 12, tzinfo=UTC)
QUIET = Rates(*(0.0,) * 6, each_once=False)


async def nothing() -> None:
    return


def test_the_agenda_goes_by_time_and_then_by_turn_and_never_back() -> None:
    clock = SimClock(START)
    agenda = Agenda(clock)
    for seconds, name in ((2.0, "c"), (1.0, "a"), (1.0, "b")):
        agenda.after(seconds, nothing, name)
    seen = []
    while agenda:
        seen.append((agenda.next().name, clock.monotonic()))
    assert seen == [("a", 1.0), ("b", 1.0), ("c", 2.0)]
    agenda.after(1.0, nothing, "late")
    asyncio.run(clock.sleep(5.0))
    agenda.next()
    assert clock.now() == START + timedelta(seconds=7)


def test_a_seed_draws_the_same_again_and_each_stream_its_own() -> None:
    first, again, other = SeededChance(5, "desk"), SeededChance(5, "desk"), SeededChance(5, "people")
    drawn = (first.bytes(8), first.token(9), first.uniform(0, 1))
    assert drawn == (again.bytes(8), again.token(9), again.uniform(0, 1))
    assert drawn[0] != other.bytes(8)


async def met(faults: DatabaseFaults, statement: str) -> list[str]:
    """What one run of a statement meets."""
    found = []
    for meet in (faults.before, faults.after):
        try:
            await meet(statement)
        except Killed:
            found.append("killed")
        except asyncpg.SerializationError:
            found.append("serialization")
        except asyncpg.PostgresConnectionError:
            found.append("away")
    return found


def test_each_statement_meets_each_fault_once_and_they_keep_apart() -> None:
    async def scene() -> None:
        clock = SimClock(START)
        faults = DatabaseFaults(Rates(*(0.0,) * 6), SeededChance(1, "database"), clock)
        faults.armed = True
        seen: dict[float, str] = {}
        for _ in range(1500):
            await clock.sleep(1.0)
            seen |= dict.fromkeys([clock.monotonic()], run[0]) if (run := await met(faults, "SELECT 1")) else {}
            assert len(run) <= 1
        assert sorted(seen.values()) == ["away", "away", "killed", "killed", "serialization"]
        assert faults.fired == {"undone": 1, "hidden": 1, "serialization": 1, "killed": 2}
        times = list(seen)
        assert all(later - earlier >= APART_SECONDS for earlier, later in pairwise(times))

    asyncio.run(scene())


def test_a_commit_has_rates_of_its_own_and_disarmed_faults_never_fire() -> None:
    async def scene() -> None:
        rates = Rates(**{**QUIET.__dict__, "commit_hidden": 1.0})
        faults = DatabaseFaults(rates, SeededChance(1, "database"), SimClock(START))
        assert await met(faults, COMMIT) == []
        faults.armed = True
        assert await met(faults, "BEGIN") == []
        assert await met(faults, "UPDATE x") == []
        assert await met(faults, COMMIT) == ["away"]
        assert await met(faults, "SELECT receive()") == ["away"], "outside a transaction a statement is its own commit"

    asyncio.run(scene())


def test_calls_meet_their_fates_at_their_rates() -> None:
    network = NetworkFaults(Rates(call_lost=0.5, answer_lost=0.5), SeededChance(1, "network"))
    assert {network.fate() for _ in range(100)} == {"call_lost", "answer_lost"}
    assert network.fired.total() == 100


def test_a_given_rate_is_the_mean_of_what_is_simulated() -> None:
    for scenario in SCENARIOS.values():
        for hours in (0.1, 1.0, 7.5, 24.0, 50.0):
            changed = scenario.with_people(120.0, None, hours * 3600)
            assert changed.mean_per_hour(hours * 3600) == pytest.approx(120.0)
        assert len(scenario.per_hour) == 24


def test_an_unknown_scenario_is_refused_with_those_that_exist() -> None:
    for name in ("agent_desert", "everything", "", "QUIET_NIGHT"):
        with pytest.raises(Refused, match=r"scenario_unknown.*quiet_night.*double_eleven"):
            scenario_named(name)


def test_a_percentile_is_the_nearest_rank() -> None:
    assert nearest_rank([], 50) is None
    assert [nearest_rank([1.0, 2.0, 3.0, 4.0], p) for p in (50, 75, 90, 99)] == [2.0, 3.0, 4.0, 4.0]
