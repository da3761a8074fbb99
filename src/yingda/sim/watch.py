"""The watch: after every step the invariants of each conversation that may have moved, and of each whose time has come.

What moved is known from the process's own hints; what must move by itself is known from its due times. So each step costs
two statements however large the desk is, and the whole check runs now and then and at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Any

from yingda.conversations.evidence import COLLECT_SECONDS_MAX
from yingda.db.desk import Desk, Row, Tx
from yingda.db.event import first_hash, micros, next_hash
from yingda.insight.check import (
    DELIVERY_SECONDS_MAX,
    RECEIPT_SECONDS_MAX,
    SWEEP_SECONDS_MAX,
    check,
    compare_ledger,
    watchful,
)
from yingda.jobs import periodic, work
from yingda.jobs.periodic import Door
from yingda.sim.clock import MICROS
from yingda.sim.violation import Violation
from yingda.sim.world import World

# After a kill, what the dead process held comes back when its lease lapses; until then its watchers may be late.
RECOVERY_SECONDS = periodic.LEASE_SECONDS + 2.0
JOBS_RECOVERY_SECONDS = work.LEASE_SECONDS + 30.0  # its release, and one more failure with its back-off

STATE = """
SELECT c.id, c.state, c.seq, c.shown_seq, c.seen_shown_seq, c.waiting_since, c.last_hash, p.due_at, p.from_seq,
       w.oldest_at, w.oldest_seq, w.untold_at, d.pending_at, d.unproven, u.uncovered
  FROM conversations c
  LEFT JOIN promises p ON p.conversation_id = c.id AND p.state = 'open'
  CROSS JOIN LATERAL (
    SELECT min(l.at) AS oldest_at, min(l.seq) AS oldest_seq,
           min(l.at) FILTER (WHERE l.told_at IS NULL AND l.withheld IS NULL) AS untold_at
      FROM lines l WHERE l.conversation_id = c.id AND l.awaits) w
  CROSS JOIN LATERAL (
    SELECT min(v.created_at) FILTER (WHERE v.state = 'pending') AS pending_at,
           count(*) FILTER (WHERE v.state = 'delivered' AND v.shown_seq > c.seen_shown_seq) AS unproven
      FROM deliveries v WHERE v.conversation_id = c.id) d
  CROSS JOIN LATERAL (
    SELECT count(*) AS uncovered FROM lines m
     WHERE m.conversation_id = c.id AND m.kind = 'message' AND NOT m.awaits
       AND NOT EXISTS (SELECT 1 FROM deliveries v WHERE v.conversation_id = c.id AND v.seen_through >= m.seq
                        AND v.state IN ('delivered', 'offered'))
       AND NOT EXISTS (SELECT 1 FROM events e WHERE e.conversation_id = c.id AND e.seq > m.seq AND e.kind = 'classified'
                        AND (convert_from(e.body, 'UTF8')::jsonb -> 'data' ->> 'message')::bigint = m.seq)) u
 WHERE c.id = ANY ($1)
 ORDER BY c.id
"""
ADDED = """
SELECT e.conversation_id, e.seq, e.at, e.body, e.hash FROM unnest($1::bigint[], $2::bigint[]) AS k (id, known)
  JOIN events e ON e.conversation_id = k.id AND e.seq > k.known
 ORDER BY e.conversation_id, e.seq
"""


class Watch:
    def __init__(self, world: World, desk: Desk) -> None:
        self._world, self._desk = world, desk
        self._heads: dict[int, tuple[int, bytes]] = {}  # conversation → last verified event
        self._times: dict[int, int] = {}  # conversation → when it must have moved, in microseconds
        self._heap: list[tuple[int, int]] = []
        self._compared = 0

    @property
    def soonest_seconds(self) -> float:
        """How long until some conversation must have moved by itself."""
        return (self._heap[0][0] - self._world.clock.micros) / MICROS if self._heap else float("inf")

    async def look(self) -> None:
        """After a step. Raises `Violation`."""
        world = self._world
        numbers = sorted(world.touched | self._times_up())
        world.touched.clear()
        if numbers:
            await self._desk.read(lambda tx: self._judge(tx, numbers))
        if self._compared < len(world.ledger):
            new = [(yes.client, yes.message) for yes in world.ledger[self._compared :]]
            self._compared = len(world.ledger)
            await self._desk.read(lambda tx: _compare(tx, new))

    async def whole(self, *, full: bool) -> None:
        """`yingda check` itself. `full`: with every hash, every commitment and the whole ledger."""
        if not self.recovered(JOBS_RECOVERY_SECONDS):
            return
        doors = self._world.process.house.doors
        if full:
            entries = [(yes.client, yes.message) for yes in self._world.ledger]
            result = await self._desk.read(lambda tx: _full(tx, doors, entries))
        else:
            result = await self._desk.read(lambda tx: watchful(tx, doors))
        for name, found in result["invariants"].items():
            if found["violations"]:
                example = found["examples"][0]
                raise Violation(
                    name, int(example) if example.isdigit() else None, f"check finds {found['violations']}: {example}"
                )
        if full and result["hashes"]["broken"]:
            raise Violation("record", None, f"{result['hashes']['broken']} broken hashes")

    def recovered(self, seconds: float) -> bool:
        killed_at = self._world.process.killed_at
        return killed_at is None or self._world.clock.monotonic() - killed_at > seconds

    def _times_up(self) -> set[int]:
        """Conversations that must have moved by now. A time that was replaced by a later one is only forgotten."""
        up: set[int] = set()
        while self._heap and self._heap[0][0] < self._world.clock.micros:
            at, number = heappop(self._heap)
            if self._times.get(number) == at:
                up.add(number)
        return up

    async def _judge(self, tx: Tx, numbers: list[int]) -> None:
        rows = await tx.fetch(STATE, numbers)
        await self._verify(tx, rows)
        for row in rows:
            _delivered(row)
            _promised(row)
            self._moved(row)

    async def _verify(self, tx: Tx, rows: list[Row]) -> None:
        """The chain of hashes, from the last event that was verified to the head."""
        heads = {row["id"]: self._heads.get(row["id"], (0, first_hash(row["id"]))) for row in rows}
        for event in await tx.fetch(ADDED, list(heads), [seq for seq, _ in heads.values()]):
            number, (seq, digest) = event["conversation_id"], heads[event["conversation_id"]]
            heads[number] = (seq + 1, next_hash(digest, seq + 1, event["at"], event["body"]))
            if heads[number] != (event["seq"], event["hash"]):
                raise Violation("record", number, f"the hash or the number of event {event['seq']} is not the next")
        for row in rows:
            if heads[row["id"]] != (row["seq"], row["last_hash"]):
                raise Violation("record", row["id"], "the chain does not end where the conversation says")
        self._heads |= heads

    def _moved(self, row: Row) -> None:
        """What time must do by itself: the sweep moves on and withholds, the outbox ends a delivery."""
        limits = (
            ("moved_on", row["due_at"], SWEEP_SECONDS_MAX, RECOVERY_SECONDS),
            ("promised", row["untold_at"], RECEIPT_SECONDS_MAX, RECOVERY_SECONDS),
            ("delivered", row["pending_at"], COLLECT_SECONDS_MAX + DELIVERY_SECONDS_MAX, JOBS_RECOVERY_SECONDS),
        )
        now, times = self._world.clock.micros, []
        for invariant, since, seconds, recovery in limits:
            if since is None:
                continue
            limit = micros(since) + round(seconds * MICROS)
            if limit >= now:
                times.append(limit)
            elif self.recovered(recovery):
                raise Violation(invariant, row["id"], f"nothing moved it within {seconds:.0f} s of {since.isoformat()}")
            else:
                times.append(now + MICROS)
        self._set_time(row["id"], min(times, default=None))

    def _set_time(self, number: int, at: int | None) -> None:
        if at is None:
            self._times.pop(number, None)
        elif self._times.get(number) != at:
            self._times[number] = at
            heappush(self._heap, (at, number))
        elif at < self._world.clock.micros:
            heappush(self._heap, (at, number))


def _promised(row: Row) -> None:
    """Strict, without an allowance: the promise is made in the transaction that makes it due."""
    waits = row["oldest_at"] is not None
    if waits and (row["state"] != "open" or row["due_at"] is None or row["waiting_since"] != row["oldest_at"]):
        raise Violation(
            "promised", row["id"], f"message {row['oldest_seq']} waits without an open promise or a place in the queue"
        )
    if waits and row["from_seq"] > row["oldest_seq"]:
        raise Violation("promised", row["id"], f"the promise covers from {row['from_seq']}, message {row['oldest_seq']} waits")
    if not waits and (row["due_at"] is not None or row["waiting_since"] is not None):
        raise Violation("promised", row["id"], "a promise or a place in the queue, and nothing waits")


def _delivered(row: Row) -> None:
    if row["unproven"]:
        raise Violation("delivered", row["id"], f"{row['unproven']} replies count as delivered without the client's word")
    if row["uncovered"]:
        raise Violation("delivered", row["id"], f"{row['uncovered']} messages await nothing, and nothing answers them")


async def _compare(tx: Tx, entries: list[tuple[str, str]]) -> None:
    ledger = await compare_ledger(tx, entries)
    if ledger.missing:
        raise Violation("kept", None, f"the sender was told yes, and it is not there: {ledger.missing[0]}")
    if ledger.doubled:
        raise Violation("taken", None, f"one message stands more than once: {ledger.doubled[0]}")


async def _full(tx: Tx, doors: Mapping[str, Door], entries: list[tuple[str, str]]) -> dict[str, Any]:
    return await check(tx, doors, await compare_ledger(tx, entries))
