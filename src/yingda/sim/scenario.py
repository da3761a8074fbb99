"""Scenarios: days as data. Rates, people and faults; what they do with it stands in `customer` and `agent`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from yingda.errors import Refused
from yingda.sim.faults import Rates

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONE = "Asia/Shanghai"
ARRIVALS_PER_HOUR_MAX = 100_000.0
AGENTS_MAX = 1000
DAYS_MAX = 366.0


def hours(open_from: str, open_to: str) -> dict[str, Any]:
    """An hours file with the same hours every day."""
    return {"zone": ZONE, "weekly": {day: [[open_from, open_to]] for day in DAYS}, "calendar": None, "exceptions": []}


@dataclass(frozen=True)
class Shift:
    """From a local hour, for so many hours, every day."""

    start_hour: int
    hours: int


@dataclass(frozen=True)
class Scenario:
    """`per_hour[h]`: customers arriving in local hour h. Times in seconds are means unless they say otherwise."""

    name: str
    start: datetime
    hours: dict[str, Any]
    per_hour: tuple[float, ...]  # 24 of them
    agents: int
    shifts: tuple[Shift, ...]  # agent n works shift n modulo their number; the first agent leads
    handling_seconds: float
    patience_seconds: float  # until a customer closes the page
    return_seconds: float  # until they come back to look
    follow_up: float  # probability of writing again after a reply
    faults: Rates = Rates()

    def with_people(self, arrivals_per_hour: float | None, agents: int | None, seconds: float) -> Scenario:
        """The same day with another number of agents, or with another mean rate over its first `seconds`; its shape stands."""
        changed = self
        if arrivals_per_hour is not None:
            factor = arrivals_per_hour / self.mean_per_hour(seconds)
            changed = replace(changed, per_hour=tuple(rate * factor for rate in self.per_hour))
        return changed if agents is None else replace(changed, agents=agents)

    def mean_per_hour(self, seconds: float) -> float:
        """The mean rate of arrivals over the first `seconds`."""
        hour = self.start.astimezone(ZoneInfo(ZONE)).hour  # scenarios start on the hour
        whole, rest = divmod(seconds, 3600.0)
        days, hours_left = divmod(int(whole), 24)
        arrivals = days * sum(self.per_hour) + sum(self.per_hour[(hour + n) % 24] for n in range(hours_left))
        arrivals += self.per_hour[(hour + int(whole)) % 24] * rest / 3600
        return arrivals * 3600 / seconds


QUIET_NIGHT = Scenario(
    name="quiet_night",
    start=datetime.fromisoformat("2026-03-03T20:00:00+08:00"),
    hours=hours("09:00", "24:00"),
    per_hour=(4, 2, 2, 1, 1, 2, 3, 4, 6, 8, 9, 9, 8, 8, 9, 9, 8, 8, 9, 10, 9, 8, 6, 5),
    agents=4,
    shifts=(Shift(9, 8), Shift(16, 8), Shift(12, 8), Shift(20, 12)),
    handling_seconds=150.0,
    patience_seconds=900.0,
    return_seconds=7200.0,
    follow_up=0.3,
)
DOUBLE_ELEVEN = Scenario(
    name="double_eleven",
    start=datetime.fromisoformat("2026-11-10T20:00:00+08:00"),
    hours=hours("00:00", "24:00"),
    per_hour=(
        900,
        500,
        250,
        120,
        80,
        60,
        80,
        120,
        200,
        300,
        330,
        300,
        280,
        260,
        260,
        270,
        260,
        260,
        300,
        360,
        420,
        480,
        560,
        650,
    ),
    agents=40,
    shifts=(Shift(20, 9), Shift(9, 9), Shift(22, 8), Shift(14, 9), Shift(0, 8), Shift(7, 9)),
    handling_seconds=110.0,
    patience_seconds=600.0,
    return_seconds=3600.0,
    follow_up=0.2,
)
SCENARIOS = {scenario.name: scenario for scenario in (QUIET_NIGHT, DOUBLE_ELEVEN)}


def scenario_named(name: str) -> Scenario:
    """Refused scenario_unknown, with those that exist in `where`. Others need what does not exist yet: leases, channels,
    a standby, the calendars' odd days."""
    if name not in SCENARIOS:
        raise Refused("scenario_unknown", f"--scenario {'|'.join(SCENARIOS)}")
    return SCENARIOS[name]
