"""A taste of each scenario, simulated once and looked at by many tests."""

from __future__ import annotations

import pytest
from tests.sim.runs import play, simulation

from yingda.db.embedded import Server
from yingda.sim.simulation import Outcome


@pytest.fixture(scope="session")
def night(server: Server) -> Outcome:
    return play(server.url, simulation("quiet_night", 1, 1.0, rate=15))


@pytest.fixture(scope="session")
def peak(server: Server) -> Outcome:
    return play(server.url, simulation("double_eleven", 7, 0.1, rate=250, agents=12))
