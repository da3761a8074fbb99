"""The watch has teeth: what is broken behind the desk's back is seen after the step that broke it, by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from tests.sim.runs import play, simulation

from yingda.db.desk import Tx
from yingda.db.embedded import Server
from yingda.sim.simulation import Outcome, Simulation

Break = Callable[[Tx], Awaitable[object]]
BREAKS = {
    "promised": "UPDATE promises SET state = 'withdrawn', ended_at = made_at WHERE state = 'open'",
    "delivered": "UPDATE lines SET awaits = false WHERE kind = 'message'",
    "record": "UPDATE conversations SET last_hash = sha256(last_hash)",
    "kept": "UPDATE lines SET outside_id = outside_id || 'x' WHERE kind = 'message'",
}


def broken(server: Server, statement: str, after_seconds: float = 90.0) -> Outcome:
    """A short busy day in which somebody changes rows by hand."""

    def prepare(one: Simulation) -> None:
        async def sabotage() -> None:
            desk = one.world.process.plain_desk()
            await desk.transaction(lambda tx: tx.execute(statement))
            one.world.touched.update(r["id"] for r in await desk.read(lambda tx: tx.fetch("SELECT id FROM conversations")))

        one.world.agenda.after(after_seconds, sabotage, "sabotage")

    return play(server.url, simulation("double_eleven", 4, 0.04, rate=400, agents=2), prepare)


@pytest.mark.parametrize("invariant", BREAKS)
def test_what_is_broken_is_seen_and_named(server: Server, invariant: str) -> None:
    outcome = broken(server, BREAKS[invariant])
    assert outcome.violation is not None
    assert outcome.violation.invariant == invariant
    assert not outcome.ok


def test_the_story_tells_the_last_steps_and_events_and_no_words(server: Server) -> None:
    outcome = broken(server, BREAKS["promised"])
    told = "\n".join(outcome.story)
    assert told.startswith("promised:")
    assert "sabotage" in told
    assert "received by customer" in told
    assert "转账" not in told and "transfer" not in told


def test_the_record_itself_refuses_to_be_changed(server: Server) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        broken(server, "UPDATE events SET kind = 'x'")
