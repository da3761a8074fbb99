"""The process is killed before and after every statement of every door: nothing acknowledged is missing, nothing is doubled."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from tests.db.server import TEMPLATE
from tests.proof.kill import AFTER, BEFORE, MUTANTS, SCENES, Point, Ready, kill_at, make_ready
from tests.proof.writes import write_statements
from tests.tidy.source import none_of

from yingda.db.embedded import Server

_numbers = itertools.count(1)
_passed: dict[str, list[str]] = {}  # scene → the statements of its door


def killed(server: Server, name: str, chosen: Callable[[Ready], list[Point]]) -> list[str]:
    """What is wrong after kills at the chosen points of a scene."""

    async def run() -> list[str]:
        ready = await make_ready(server, TEMPLATE, (SCENES | MUTANTS)[name], f"scene_{next(_numbers)}")
        _passed[name] = ready.statements
        wrong: list[str] = []
        for point in chosen(ready):
            wrong += await kill_at(server, ready, point)
        return wrong

    return asyncio.run(run())


def test_a_kill_around_the_one_statement_of_a_received_message_loses_and_doubles_nothing(durable):
    def around(ready: Ready) -> list[Point]:
        (place,) = [n for n, statement in enumerate(ready.statements, 1) if "receive_message(" in statement]
        return [point for point in ready.points if point.place == place]

    assert killed(durable, "receive, new customer", around) == []


def test_a_kill_around_the_commit_of_a_reply_loses_and_doubles_nothing(durable):
    def at_the_end(ready: Ready) -> list[Point]:
        assert ready.statements[-1] == "COMMIT"
        return ready.points[-2:]

    assert killed(durable, "reply", at_the_end) == []


@pytest.mark.slow
def test_a_sender_that_repeats_under_another_key_is_found_so_the_proof_can_fail(durable):
    (name,) = MUTANTS
    assert killed(durable, name, lambda ready: [Point(len(ready.statements), BEFORE)]) == []
    wrong = killed(durable, name, lambda ready: [Point(len(ready.statements), AFTER)])
    assert any("deliveries: expected" in what for what in wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_a_kill_at_every_statement_of_a_door_loses_and_doubles_nothing(durable, name):
    assert killed(durable, name, lambda ready: ready.points) == []
    assert _passed[name]


@pytest.mark.slow
def test_every_statement_that_writes_was_met_by_a_kill(durable):
    for name in SCENES.keys() - _passed.keys():
        killed(durable, name, lambda ready: [])
    met = {statement for statements in _passed.values() for statement in statements}
    none_of((" ".join(statement.split()) for statement in write_statements() - met), "Give these statements a scene")
