"""Receive: hop 4. One message in, and in ONE transaction: the customer, the conversation, the message, its promise, its receipt.

The words of a receipt name the number, the owner and the due time, and the record commits to the exact words, so they are
composed here, before the one statement runs, for what is *believed* to be the case. The statement locks the customer and the
conversation and compares; if it is otherwise it writes nothing and says what is, and the words are composed anew. A customer
seen a moment ago, or never, costs one round trip.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from yingda import words
from yingda.conversations.compose import Composed, Owed, compose
from yingda.conversations.files import FileRef, files_of
from yingda.conversations.fold import Fold
from yingda.conversations.line import LineView, line_of
from yingda.conversations.policy import TIER1, Policies
from yingda.db.desk import Desk, Row, Tx
from yingda.db.numbers import Numbers
from yingda.db.wake import JOBS
from yingda.errors import Refused, Temporary
from yingda.people.viewer import CustomerViewer

BELIEFS_MAX = 20_000
STALE_TRIES_MAX = 8  # each try is beaten only by another writer of the same conversation

REPEATED = """
SELECT m.text, m.salt, m.masked, r.params AS receipt FROM lines m
  JOIN lines r ON r.conversation_id = m.conversation_id AND r.shown_seq = m.receipt_shown_seq
 WHERE m.conversation_id = $1 AND m.seq = $2
"""
ADDED = """
SELECT l.*, NULL AS author_name, NULL AS delivery_state FROM lines l
 WHERE l.conversation_id = $1 AND l.shown_seq BETWEEN $2 AND $3 ORDER BY l.shown_seq
"""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message as any channel hands it in: origin proven, secrets masked, text without U+0000."""

    viewer: CustomerViewer
    message_id: str
    text: str
    masked: tuple[str, ...] = ()
    files: tuple[FileRef, ...] = ()
    language: str | None = None
    zone: str | None = None
    thread_key: str = ""

    @property
    def outside_id(self) -> str:
        return f"{self.viewer.handle_kind}:{self.viewer.handle_value}/{self.message_id}"


@dataclass(frozen=True, slots=True)
class Received:
    """Where the message stands and what was promised. `repeated`: it had been received before."""

    conversation: int
    seq: int
    shown_seq: int
    latest_shown_seq: int
    at: datetime
    due: datetime
    owner: str
    text: str
    salt: bytes
    masked: tuple[str, ...]
    file_hashes: tuple[str, ...]
    language: str
    zone: str
    repeated: bool
    lines: tuple[LineView, ...]


@dataclass(frozen=True, slots=True)
class Belief:
    conversation: int = 0
    due: datetime | None = None
    owner: str | None = None


class Reception:
    """The one door for customers' messages. Holds only what makes it fast: beliefs, numbers drawn ahead, the policy."""

    def __init__(self, desk: Desk, policies: Policies) -> None:
        self._desk, self._policies = desk, policies
        self._numbers = Numbers(desk)
        self._fold = Fold(desk)
        self._beliefs: OrderedDict[tuple[int, str, str, str], Belief] = OrderedDict()

    async def receive(self, inbound: Inbound) -> Received:
        """Raises `Refused` message_id_reused (409), file_unknown; `Temporary` when the database is away or busy."""
        viewer = inbound.viewer
        key = (viewer.account_id, viewer.handle_kind, viewer.handle_value, inbound.thread_key)
        belief = self._beliefs.get(key, Belief())
        for _ in range(STALE_TRIES_MAX):
            composed, row = await self._try(inbound, belief)
            if row["outcome"] == "repeat":
                return await self._repeated(inbound, composed, row)
            if row["outcome"] == "received":
                self._believe(key, Belief(row["conversation_id"], row["due_at"], row["owner"]))
                self._desk.wakes.hint([str(row["conversation_id"]), *([JOBS] if "received" in self._desk.follows else [])])
                return _received(inbound, composed, row)
            belief = Belief(row["conversation_id"], row["due_at"], row["owner"])
        raise Temporary("database_busy", detail="conversation contended", retry_after_seconds=1)

    async def _try(self, inbound: Inbound, belief: Belief) -> tuple[Composed, Row]:
        policy = await self._policies.present()
        number = belief.conversation or await self._numbers.take()
        due = belief.due or policy.due(self._desk.clock.now())
        owner = belief.owner or TIER1
        owed = Owed(number, due, owner, opens=not belief.conversation, promises=belief.due is None)
        composed = compose(inbound, policy, self._desk.chance, owed)
        jobs = list(self._desk.follows.get("received", ()))
        viewer = inbound.viewer
        row = await self._fold.receive(
            (
                viewer.account_id,
                viewer.handle_kind,
                viewer.handle_value,
                viewer.name,
                composed.language,
                composed.zone,
                inbound.thread_key,
                inbound.outside_id,
                belief.conversation,
                belief.due,
                belief.owner,
                number,
                *composed.columns(),
                list(inbound.masked),
                [f.id for f in inbound.files],
                due,
                owner,
                jobs,
            )
        )
        if not belief.conversation and row["outcome"] != "received":
            self._numbers.give_back(number)
        return composed, row

    async def _repeated(self, inbound: Inbound, composed: Composed, row: Row) -> Received:
        return await self._desk.read(lambda tx: _repeat(tx, inbound, composed, row))

    def _believe(self, key: tuple[int, str, str, str], belief: Belief) -> None:
        self._beliefs[key] = belief
        self._beliefs.move_to_end(key)
        if len(self._beliefs) > BELIEFS_MAX:
            self._beliefs.popitem(last=False)


def _received(inbound: Inbound, composed: Composed, row: Row) -> Received:
    return Received(
        row["conversation_id"], row["seq"], row["shown_seq"], row["latest_shown_seq"], row["at"], row["due_at"], row["owner"],
        inbound.text, composed.message_salt, inbound.masked, tuple(f.sha256 for f in inbound.files), composed.language,
        composed.zone, False, composed.lines(row["seq"], row["shown_seq"], row["at"]),
    )  # fmt: skip


async def _repeat(tx: Tx, inbound: Inbound, composed: Composed, row: Row) -> Received:
    conversation, seq = row["conversation_id"], row["seq"]
    stored = await tx.fetchrow(REPEATED, conversation, seq)
    assert stored is not None
    files = (await files_of(tx, conversation, [seq])).get(seq, ())
    hashes = tuple(f.sha256 for f in files)
    # By content: a client that uploads its files anew before it tries again means the same message.
    if stored["text"] != inbound.text or hashes != tuple(f.sha256 for f in inbound.files):
        raise Refused("message_id_reused", "message_id", status=409)
    receipt = stored["receipt"]
    added = await tx.fetch(ADDED, conversation, row["shown_seq"], receipt["shown_through"] + row["shown_seq"])
    latest = await tx.fetchval("SELECT shown_seq FROM conversations WHERE id = $1", conversation)
    return Received(
        conversation, seq, row["shown_seq"], latest, row["at"], datetime.fromisoformat(receipt["due"]), receipt["owner"],
        stored["text"], stored["salt"], tuple(stored["masked"] or ()), hashes,
        words.language_for(composed.language), composed.zone, True,
        tuple(line_of(line, files if line["seq"] == seq else ()) for line in added),
    )  # fmt: skip
