"""What the desk promises: its name, its hours, and by when a person answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from yingda import words
from yingda.conversations.due import due
from yingda.conversations.hours import Hours, parse_hours
from yingda.db.desk import Desk, Tx

POLICY_AGE_SECONDS_MAX = 10.0
TIER1 = "queue:tier1"
LEAD = "lead"


@dataclass(frozen=True)
class Policy:
    desk_id: str
    desk_name: str
    language: str
    zone: str
    hours: Hours
    first_response_minutes: int
    agent_names: Mapping[int, str]

    def due(self, start: datetime) -> datetime:
        """The one function that computes a due time: open minutes of the desk's hours after `start`, in UTC."""
        return due(self.hours, start, self.first_response_minutes).at

    def owner_words(self, owner: str, language: str) -> str:
        """Who owes the answer, as a person reads it. `owner` is queue:tier1, lead or agent:ID."""
        kind, _, name = owner.partition(":")
        if kind == "agent":
            return self.agent_names.get(int(name), words.sentence(language, "owner.queue:tier1"))
        return words.sentence(language, f"owner.{owner}")


@lru_cache(maxsize=4)
def _hours(text: str) -> Hours:
    """The same hours are the same object: the year that is reckoned on them costs milliseconds, and a policy is read often."""
    return parse_hours(json.loads(text))


async def load_policy(tx: Tx) -> Policy:
    row = await tx.fetchrow("SELECT id, name, language, zone, hours, first_response_minutes FROM desk")
    assert row is not None, "the desk row is made at first start"
    names = {r["id"]: r["name"] for r in await tx.fetch("SELECT id, name FROM agents ORDER BY id")}
    hours = _hours(json.dumps(row["hours"], sort_keys=True))
    return Policy(row["id"], row["name"], row["language"], row["zone"], hours, row["first_response_minutes"], names)


class Policies:
    """The present policy, read anew when older than POLICY_AGE_SECONDS_MAX."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._policy: Policy | None = None
        self._read_at = 0.0

    async def present(self) -> Policy:
        now = self._desk.clock.monotonic()
        if self._policy is None or now - self._read_at > POLICY_AGE_SECONDS_MAX:
            self._policy = await self._desk.read(load_policy)
            self._read_at = now
        return self._policy
