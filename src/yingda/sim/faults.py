"""Faults, seeded: at the database's door, and on the customer's way to the desk and back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import asyncpg

from yingda.sim.chance import SeededChance
from yingda.sim.clock import SimClock

COMMIT = "COMMIT"
BEGIN = "BEGIN"


class Killed(BaseException):
    """The process ends here. No `except Exception` of the desk may see it, as none would see a SIGKILL."""


@dataclass(frozen=True)
class Rates:
    """Probabilities. The database's are for each statement or commit; the customer's for each call."""

    before_statement: float = 0.0005
    after_statement: float = 0.0005
    commit_undone: float = 0.001
    commit_hidden: float = 0.001
    serialization: float = 0.0005
    killed: float = 0.00005
    each_once: bool = True  # every statement meets every fault once, see `DatabaseFaults`
    call_lost: float = 0.01
    answer_lost: float = 0.01
    call_doubled: float = 0.01
    call_late: float = 0.01


# What every statement meets once, before it runs and after. A desk that met them all at once would be judged for a storm
# and not for its doors, so they keep apart: seconds after any fault, and from one kill to the next.
EACH_ONCE = {True: ("undone", "serialization", "killed"), False: ("hidden", "killed")}
APART_SECONDS = 20.0
AFTER_KILL_SECONDS = 80.0
KILLS_APART_SECONDS = 600.0


class DatabaseFaults:
    """Stands around each statement of the desk (`yingda.db.desk.Faults`). `fired` counts what happened, by kind.

    Beyond the rates, every statement meets every fault once, as soon as may be, so that a short day too leaves few doors
    untried. A statement outside a transaction is its own commit and meets what a commit meets.
    """

    def __init__(self, rates: Rates, chance: SeededChance, clock: SimClock) -> None:
        self._rates, self._chance, self._clock, self.armed = rates, chance, clock, False
        self.fired: Counter[str] = Counter()
        self._is_open = False  # between BEGIN and COMMIT
        self._due: dict[tuple[str, bool], list[str]] = {}  # (statement, before) → what it has yet to meet
        self._next_at = APART_SECONDS
        self._next_kill_at = 0.0

    async def before(self, statement: str) -> None:
        rates = self._rates
        undone = rates.before_statement if self._is_inner(statement) else rates.commit_undone
        self._meet(statement, True, (("killed", rates.killed), ("undone", undone), ("serialization", rates.serialization)))

    async def after(self, statement: str) -> None:
        rates = self._rates
        hidden = rates.after_statement if self._is_inner(statement) else rates.commit_hidden
        self._meet(statement, False, (("killed", rates.killed), ("hidden", hidden)))
        self._is_open = statement == BEGIN or (self._is_open and statement != COMMIT)

    def _is_inner(self, statement: str) -> bool:
        return statement != COMMIT and (self._is_open or statement == BEGIN)

    def _meet(self, statement: str, before: bool, kinds: tuple[tuple[str, float], ...]) -> None:
        if not self.armed:
            return
        kind = self._take_due(statement, before)
        drawn = self._chance.uniform(0.0, 1.0)
        for name, rate in kinds:
            if kind is None and drawn < rate:
                kind = name
            drawn -= rate
        if kind is not None:
            self._fire(kind)

    def _take_due(self, statement: str, before: bool) -> str | None:
        """The next fault this statement has yet to meet, if it is time for one."""
        now = self._clock.monotonic()
        if not self._rates.each_once or now < self._next_at:
            return None
        due = self._due.setdefault((statement, before), list(EACH_ONCE[before]))
        for kind in due:
            if kind != "killed" or now >= self._next_kill_at:
                due.remove(kind)
                return kind
        return None

    def _fire(self, kind: str) -> None:
        now = self._clock.monotonic()
        self._is_open = False  # what follows is a ROLLBACK or a new connection
        self.fired[kind] += 1
        self._next_at = now + (AFTER_KILL_SECONDS if kind == "killed" else APART_SECONDS)
        if kind == "killed":
            self._next_kill_at = now + KILLS_APART_SECONDS
        raise _error(kind)


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
