"""A taste of each scenario, simulated once and looked at by many tests."""

from __future__ import annotations

import pytest
from tests.sim.runs import play, simulation

from yingda.db.embedded import Server
from yingda.sim.simulation import Outcome


@pytest.fixture(scope="session")
def night(server: Server) -> Outcome:
    return play(server.url, simulation("quiet_night", 1, 0.4, rate=20))


@pytest.fixture(scope="session")
def peak(server: Server) -> Outcome:
    return play(server.url, simulation("double_eleven", 7, 0.05, rate=300, agents=8))
