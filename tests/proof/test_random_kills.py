"""Servers and agents are killed at random under load: every yes that a client heard is kept, once, and the desk is clean."""

from __future__ import annotations

import asyncio

import pytest
from tests.db.server import TEMPLATE
from tests.proof.kill import cloned
from tests.proof.load import Outcome, under_load

from yingda.db.embedded import Server

KILLS_FEW, KILLS_MANY = 10, 200
SEED = 20251111


def killed(server: Server, kills: int) -> Outcome:
    async def run() -> Outcome:
        async with cloned(server, TEMPLATE) as url:
            return await under_load(url, kills, SEED)

    return asyncio.run(run())


def test_ten_kills_under_load_lose_and_double_nothing(durable):
    outcome = killed(durable, KILLS_FEW)
    assert outcome.wrong == []
    assert len(outcome.messages) >= 2 * KILLS_FEW


@pytest.mark.slow
def test_two_hundred_kills_under_load_lose_and_double_nothing(durable):
    outcome = killed(durable, KILLS_MANY)
    assert outcome.wrong == []
    assert len(outcome.messages) >= 2 * KILLS_MANY and len(outcome.replies) > KILLS_MANY / 4
