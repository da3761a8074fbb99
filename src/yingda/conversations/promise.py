"""Promises: what comes next, who owes it, by when.

One open promise covers every message of a conversation that awaits an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from yingda import words
from yingda.conversations.line import SystemLine, say
from yingda.conversations.policy import LEAD, Policy
from yingda.db.desk import Row, Tx
from yingda.db.event import Fact, micros


@dataclass(frozen=True, slots=True)
class PromiseView:
    owner: str  # queue:tier1, agent:ID, lead
    owner_words: str
    due: datetime
    late: bool


async def open_promise(tx: Tx, conversation: int) -> Row | None:
    return await tx.fetchrow(
        "SELECT id, kind, owner, from_seq, due_at, due_at <= desk_now() AS late FROM promises"
        " WHERE conversation_id = $1 AND state = 'open'",
        conversation,
    )


def promise_view(row: Row | None, policy: Policy, language: str) -> PromiseView | None:
    if row is None:
        return None
    return PromiseView(row["owner"], policy.owner_words(row["owner"], language), row["due_at"], row["late"])


async def cover(tx: Tx, policy: Policy, conversation: int, seen_through: int) -> None:
    """A reply has evidence (or is offered): messages up to `seen_through` are answered; what crossed it still waits.

    The conversation's row lock is held by the caller.
    """
    await tx.execute(
        "UPDATE lines SET awaits = false WHERE conversation_id = $1 AND awaits AND seq <= $2", conversation, seen_through
    )
    await settle(tx, policy, conversation, "kept")


async def settle(tx: Tx, policy: Policy, conversation: int, outcome: str) -> None:
    """Bring the promise in line with the messages that still await: end it as `outcome`, and make the next one if any wait."""
    oldest = await tx.fetchrow(
        "SELECT seq, at FROM lines WHERE conversation_id = $1 AND awaits ORDER BY seq LIMIT 1", conversation
    )
    promise = await open_promise(tx, conversation)
    if promise is not None and (oldest is None or oldest["seq"] > promise["from_seq"]):
        await _end(tx, promise["id"], outcome)
        await tx.record(conversation, Fact(f"promise_{outcome}", "desk", {"from": promise["from_seq"]}))
        if oldest is not None:
            await _make(tx, conversation, "next_response", promise["owner"], oldest["seq"], policy.due(oldest["at"]))
    waiting_since = oldest["at"] if oldest is not None else None
    await tx.execute(
        "UPDATE conversations SET waiting_since = $2,"
        " lead_since = CASE WHEN $2::timestamptz IS NULL THEN NULL ELSE lead_since END WHERE id = $1",
        conversation,
        waiting_since,
    )


async def give_to(tx: Tx, conversation: int, owner: str) -> None:
    """The open promise changes its owner; its time stands."""
    await tx.execute("UPDATE promises SET owner = $2 WHERE conversation_id = $1 AND state = 'open'", conversation, owner)


async def move_on(tx: Tx, policy: Policy, conversation: int) -> bool:
    """A promise past due: the miss on record, the next rung, a new time, an apology. False when there is nothing to move.

    The rungs that exist so far: whoever had it → the lead, who keeps it. The agent who held it loses it: anyone may take it.
    """
    c = await tx.fetchrow("SELECT id, language, zone, assignee_id FROM conversations WHERE id = $1 FOR UPDATE", conversation)
    promise = await tx.fetchrow(
        "SELECT id, kind, owner, from_seq, due_at FROM promises"
        " WHERE conversation_id = $1 AND state = 'open' AND due_at <= desk_now() FOR UPDATE",
        conversation,
    )
    if c is None or promise is None:
        return False
    now = await tx.now()
    due = policy.due(now)
    await _end(tx, promise["id"], "missed")
    await tx.record(
        conversation,
        Fact(
            "promise_missed", "desk", {"owner": promise["owner"], "due": micros(promise["due_at"]), "from": promise["from_seq"]}
        ),
    )
    await _make(tx, conversation, promise["kind"], LEAD, promise["from_seq"], due)
    await tx.execute(
        "UPDATE conversations SET assignee_id = NULL, assigned_at = NULL, lead_since = coalesce(lead_since, $2) WHERE id = $1",
        conversation,
        now,
    )
    await say(tx, conversation, Fact("promise_moved", "desk", {"owner": LEAD, "due": micros(due)}),
              moved_line(policy, c["language"], c["zone"], promise["due_at"], due))  # fmt: skip
    return True


def moved_line(policy: Policy, language: str, zone: str, old: datetime, new: datetime) -> SystemLine:
    text = words.sentence(
        language,
        "line.promise_moved",
        old=words.moment(language, zone, old),
        owner=policy.owner_words(LEAD, language),
        due=words.moment(language, zone, new),
    )
    return SystemLine("promise_moved", {"old": old.isoformat(), "owner": LEAD, "due": new.isoformat()}, text, language, zone)


async def _end(tx: Tx, promise: int, state: str) -> None:
    await tx.execute("UPDATE promises SET state = $2, ended_at = desk_now() WHERE id = $1", promise, state)


async def _make(tx: Tx, conversation: int, kind: str, owner: str, from_seq: int, due: datetime) -> None:
    await tx.execute(
        "INSERT INTO promises (conversation_id, kind, owner, from_seq, due_at, made_at) VALUES ($1, $2, $3, $4, $5, desk_now())",
        conversation,
        kind,
        owner,
        from_seq,
        due,
    )
    await tx.record(conversation, Fact("promised", "desk", {"promise": kind, "owner": owner, "due": micros(due)}))
