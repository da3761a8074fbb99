"""A desk that is there already, opened again by another process, and its way to the end of all waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.house import WIDGET_KEY, Cast, Stage
from tests.open_desk import let_pass, open_desk, rows

from yingda.chance import SystemChance
from yingda.commands.opened import build_house
from yingda.conversations.evidence import COLLECT_SECONDS_MAX
from yingda.db.desk import SERVING, Desk
from yingda.insight.check import check, compare_ledger
from yingda.jobs.periodic import Rounds
from yingda.jobs.work import Worker
from yingda.people.master_key import MasterKey
from yingda.people.viewer import AgentViewer, CustomerViewer
from yingda.wiring import FOLLOWS, House

MASTER = b"m" * 32
LATER_SECONDS = COLLECT_SECONDS_MAX + 100.0


@asynccontextmanager
async def reopened(url: str, *, size: int = 4) -> AsyncIterator[Stage]:
    """The desk of `url` with the cast it was populated with (see `tests.house`)."""
    async with open_desk(url, size=size, name=SERVING, follows=FOLLOWS) as desk:
        house = await build_house(desk, MasterKey(MASTER, SystemChance()))
        yield Stage(house, await cast_of(house))


async def cast_of(house: House) -> Cast:
    account = await house.accounts.by_widget_key(WIDGET_KEY)
    found = await rows(house.desk, "SELECT id, name, role, language, zone FROM agents ORDER BY id LIMIT 3")
    guyu, bailu, xiazhi = (AgentViewer(*row) for row in found)
    lin = CustomerViewer(account.id, "wallet", "lin", "林小禾", "zh-CN", "Asia/Shanghai")
    maya = CustomerViewer(account.id, "wallet", "maya", "Maya", "en", "Europe/London")
    return Cast(account, lin, maya, guyu, bailu, xiazhi)


async def settle(house: House) -> None:
    """Let so much time pass that no allowance excuses anything, with periodic work and jobs running."""
    for _ in range(2):
        await let_pass(house.desk, LATER_SECONDS)
        rounds = Rounds(house.desk, house.doors, "settling")
        while await rounds.step() is not None:
            pass
        worker = Worker(house.desk, {**house.handlers, "note": _done}, "settling")
        while await worker.step():
            pass


async def _done(desk: Desk, args: dict[str, Any]) -> None:
    """The end of the jobs that only the proof knows."""


async def faults_of(house: House, ledger: list[tuple[str, str]]) -> list[str]:
    """What `yingda check` finds: nothing, when all is well. The desk counts as one that serves, so nothing is excused."""
    compared = await house.desk.read(lambda tx: compare_ledger(tx, ledger))
    result: dict[str, Any] = await house.desk.read(lambda tx: check(tx, house.doors, compared))
    assert result["serving"]
    found = [
        f"{name}: {finding['violations']} ({', '.join(finding['examples'])})"
        for name, finding in result["invariants"].items()
        if finding["violations"]
    ]
    if result["hashes"]["broken"]:
        found.append(f"hashes: {result['hashes']['broken']} broken")
    assert result["ok"] == (not found)
    return found
