"""A line: what one side or the other can read. The words stand here; the event beside it holds only a commitment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yingda.db.desk import Row, Tx, Written
from yingda.db.event import SALT_BYTES, Fact, commitment, content_of

ACTOR_DESK = "desk"


@dataclass(frozen=True, slots=True)
class FileView:
    file: str
    name: str
    type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One line as a viewer may see it. `shown_seq` is None for what a customer never sees."""

    seq: int
    shown_seq: int | None
    at: datetime
    kind: str  # message, reply, system
    code: str | None
    params: dict[str, Any]
    author_kind: str  # customer, person, bot, desk
    author_name: str
    text: str
    language: str
    zone: str
    message_id: str | None = None
    masked: tuple[str, ...] = ()
    files: tuple[FileView, ...] = field(default=())
    delivery_state: str | None = None


@dataclass(frozen=True, slots=True)
class SystemLine:
    """Something the desk tells the customer: a code and parameters, and the exact words."""

    code: str
    params: dict[str, int | str]
    text: str
    language: str
    zone: str


async def say(tx: Tx, conversation: int, fact: Fact, line: SystemLine) -> Written:
    """Record `fact` and show `line` to the customer, with the commitment to the words in the event."""
    salt = tx.desk.chance.bytes(SALT_BYTES)
    full = Fact(fact.kind, fact.actor, {**fact.data, "content": commitment(salt, content_of(line.text, []))})
    written = await tx.record(conversation, full, shown=True)
    await tx.execute(
        "INSERT INTO lines (conversation_id, seq, shown_seq, at, kind, text, salt, code, params, language, zone)"
        " VALUES ($1, $2, $3, $4, 'system', $5, $6, $7, $8, $9, $10)",
        conversation,
        written.seq,
        written.shown_seq,
        written.at,
        line.text,
        salt,
        line.code,
        line.params,
        line.language,
        line.zone,
    )
    return written


def message_id_of(outside_id: str | None) -> str | None:
    """The client's own id inside the desk's outside id `KIND:VALUE/ID` (an id holds no slash)."""
    return outside_id.rsplit("/", 1)[-1] if outside_id else None


def line_of(row: Row, files: tuple[FileView, ...] = ()) -> LineView:
    """A row of LINE_COLUMNS as a view."""
    author = {"message": "customer", "reply": "person"}.get(row["kind"], ACTOR_DESK)
    return LineView(
        row["seq"],
        row["shown_seq"],
        row["at"],
        row["kind"],
        row["code"],
        row["params"] or {},
        author,
        row["author_name"] or "",
        row["text"],
        row["language"],
        row["zone"],
        message_id_of(row["outside_id"]),
        tuple(row["masked"] or ()),
        files,
        row["delivery_state"],
    )
