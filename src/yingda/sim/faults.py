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
    each_once: bool = True  # every statement meets every fault once, see `DatabaseFaults`
    call_lost: float = 0.01
    answer_lost: float = 0.01
    call_doubled: float = 0.01
    call_late: float = 0.01


# (kind, before or after the statement, among how many of its first runs). Kills are spread: each leaves leases to lapse.
EACH_ONCE = (
    ("undone", True, 12),
    ("hidden", False, 12),
    ("serialization", True, 12),
    ("killed", True, 200),
    ("killed", False, 200),
)


class DatabaseFaults:
    """Stands around each statement of the desk (`yingda.db.desk.Faults`). `fired` counts what happened, by kind.

    Beyond the rates, every statement meets every fault once among its first runs, so that even a short day leaves no
    door untried. A statement outside a transaction is its own commit and meets what a commit meets.
    """

    def __init__(self, rates: Rates, chance: SeededChance) -> None:
        self._rates, self._chance, self.armed = rates, chance, False
        self.fired: Counter[str] = Counter()
        self._is_open = False  # between BEGIN and COMMIT
        self._ran: Counter[str] = Counter()
        self._planned: dict[str, dict[tuple[int, bool], str]] = {}  # statement → (run, before or after) → kind

    async def before(self, statement: str) -> None:
        if not self.armed or statement is RENEW:  # RENEW runs by real time, so it must draw nothing from the seed
            return
        self._ran[statement] += 1
        undone = self._rates.before_statement if self._is_inner(statement) else self._rates.commit_undone
        self._meet(
            statement, True, (("killed", self._rates.killed), ("undone", undone), ("serialization", self._rates.serialization))
        )

    async def after(self, statement: str) -> None:
        if not self.armed or statement is RENEW:
            return
        hidden = self._rates.after_statement if self._is_inner(statement) else self._rates.commit_hidden
        self._meet(statement, False, (("killed", self._rates.killed), ("hidden", hidden)))
        self._is_open = statement == BEGIN or (self._is_open and statement != COMMIT)

    def _is_inner(self, statement: str) -> bool:
        return statement != COMMIT and (self._is_open or statement == BEGIN)

    def _meet(self, statement: str, before: bool, kinds: tuple[tuple[str, float], ...]) -> None:
        kind = self._plan(statement).get((self._ran[statement], before))
        drawn = self._chance.uniform(0.0, 1.0)
        for name, rate in kinds:
            if kind is None and drawn < rate:
                kind = name
            drawn -= rate
        if kind is not None:
            self._is_open = False  # what follows is a ROLLBACK or a new connection
            self.fired[kind] += 1
            raise _error(kind)

    def _plan(self, statement: str) -> dict[tuple[int, bool], str]:
        if statement not in self._planned:
            plan = self._planned[statement] = {}
            if self._rates.each_once:
                for kind, before, most in EACH_ONCE:
                    plan[self._chance.whole(2, most), before] = kind
        return self._planned[statement]


def _error(kind: str) -> BaseException:
    if kind == "killed":
        return Killed()
    error: Exception = asyncpg.ConnectionDoesNotExistError("simulated")
    if kind == "serialization":
        error = asyncpg.SerializationError("simulated")
    return error


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
