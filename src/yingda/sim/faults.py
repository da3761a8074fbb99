"""Faults, seeded: at the database's door, and on the customer's way to the desk and back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import asyncpg

from yingda.jobs.periodic import RENEW
from yingda.sim.chance import SeededChance

COMMIT = "COMMIT"
BEGIN = "BEGIN"


class Killed(BaseException):
    """The process ends here. No `except Exception` of the desk may see it, as none would see a SIGKILL."""


@dataclass(frozen=True)
class Rates:
    """Probabilities. The database's are for each statement or commit; the customer's for each call."""

    before_statement: float = 0.0005
    after_statement: float = 0.0005
    commit_undone: float = 0.002
    commit_hidden: float = 0.002
    serialization: float = 0.0005
    killed: float = 0.00005
    call_lost: float = 0.01
    answer_lost: float = 0.01
    call_doubled: float = 0.01
    call_late: float = 0.01


NONE = Rates(*(0.0,) * 10)


class DatabaseFaults:
    """Stands around each statement of the desk (`yingda.db.desk.Faults`). `fired` counts what happened, by kind."""

    def __init__(self, rates: Rates, chance: SeededChance) -> None:
        self._chance, self.armed = chance, False
        self.fired: Counter[str] = Counter()
        self._before = (
            ("killed", rates.killed),
            ("before_statement", rates.before_statement),
            ("serialization", rates.serialization),
        )
        self._after = (("killed", rates.killed), ("after_statement", rates.after_statement))
        self._before_commit = (
            ("killed", rates.killed),
            ("commit_undone", rates.commit_undone),
            ("serialization", rates.serialization),
        )
        self._after_commit = (("killed", rates.killed), ("commit_hidden", rates.commit_hidden))

    async def before(self, statement: str) -> None:
        self._meet(self._before_commit if statement == COMMIT else self._before, statement)

    async def after(self, statement: str) -> None:
        self._meet(self._after_commit if statement == COMMIT else self._after, statement)

    def _meet(self, kinds: tuple[tuple[str, float], ...], statement: str) -> None:
        # RENEW alone runs by real time (a step that takes long), so it must draw nothing from the seed.
        if not self.armed or statement is RENEW:
            return
        drawn = self._chance.uniform(0.0, 1.0)
        for kind, rate in kinds:
            if drawn < rate:
                self.fired[kind] += 1
                raise _error(kind)
            drawn -= rate


def _error(kind: str) -> BaseException:
    if kind == "killed":
        return Killed()
    if kind == "serialization":
        return asyncpg.SerializationError("simulated")
    return asyncpg.ConnectionDoesNotExistError("simulated")


class NetworkFaults:
    """What happens to one call of a customer's client: ok, call_lost, answer_lost, call_doubled or call_late."""

    def __init__(self, rates: Rates, chance: SeededChance) -> None:
        self._chance = chance
        self.fired: Counter[str] = Counter()
        self._kinds = tuple((kind, getattr(rates, kind)) for kind in ("call_lost", "answer_lost", "call_doubled", "call_late"))

    def fate(self) -> str:
        drawn = self._chance.uniform(0.0, 1.0)
        for kind, rate in self._kinds:
            if drawn < rate:
                self.fired[kind] += 1
                return kind
            drawn -= rate
        return "ok"
