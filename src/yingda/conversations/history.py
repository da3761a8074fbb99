"""What a viewer may read: queues, one conversation, its lines. Every function takes who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import regex

from yingda.conversations.access import visible
from yingda.conversations.files import files_of
from yingda.conversations.line import LineView, line_of
from yingda.conversations.policy import Policy
from yingda.conversations.promise import PromiseView, open_promise, promise_view
from yingda.db.desk import Row, Tx
from yingda.people.viewer import AgentViewer, CustomerViewer, Viewer, require_lead

LINES_MAX = 200
QUEUE_MAX = 100
EARLIER_MAX = 50
PREVIEW_GRAPHEMES_MAX = 120
PREVIEW_CHARACTERS_MAX = PREVIEW_GRAPHEMES_MAX * 16

# One query a list; each walks its own partial index in the order shown, so it touches what it returns.
_ROW = """
SELECT c.id, cu.name AS customer_name, c.language, c.waiting_since, c.lead_since, c.opened_at, a.name AS assignee_name,
       p.due_at, p.owner, p.due_at <= desk_now() AS late, m.text AS preview
  FROM conversations c JOIN customers cu ON cu.id = c.customer_id
  LEFT JOIN agents a ON a.id = c.assignee_id
  LEFT JOIN promises p ON p.conversation_id = c.id AND p.state = 'open'
  LEFT JOIN LATERAL (SELECT l.text FROM lines l WHERE l.conversation_id = c.id AND l.kind = 'message'
                      ORDER BY l.seq DESC LIMIT 1) m ON true
"""
QUEUE = (
    _ROW
    + """ WHERE c.waiting_since IS NOT NULL AND c.assignee_id IS NULL AND (c.waiting_since, c.id) > ($2, $3)
 ORDER BY c.waiting_since, c.id LIMIT $1"""
)
MINE = (
    _ROW
    + """ WHERE c.state = 'open' AND c.assignee_id = $2 AND c.id > $3
 ORDER BY c.id LIMIT $1"""
)
LEADS = (
    _ROW
    + """ WHERE c.lead_since IS NOT NULL AND (c.lead_since, c.id) > ($2, $3)
 ORDER BY c.lead_since, c.id LIMIT $1"""
)
LINES = """
SELECT l.seq, l.shown_seq, l.at, l.kind, l.code, l.params, l.text, l.language, l.zone, l.outside_id, l.masked,
       a.name AS author_name, d.state AS delivery_state
  FROM lines l LEFT JOIN agents a ON a.id = l.agent_id
  LEFT JOIN deliveries d ON d.conversation_id = l.conversation_id AND d.seq = l.seq
 WHERE l.conversation_id = $1
"""
LINES_SHOWN = LINES + " AND l.shown_seq > $2 ORDER BY l.shown_seq LIMIT $3"
LINES_ALL = LINES + " AND l.seq > $2 ORDER BY l.seq LIMIT $3"
LINES_LAST = f"SELECT * FROM ({LINES} ORDER BY l.seq DESC LIMIT $2) AS newest ORDER BY seq"  # noqa: S608
BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class QueueRow:
    conversation: int
    customer_name: str
    preview: str
    language: str
    waiting_since: datetime | None
    due_at: datetime | None
    owner: str | None
    assignee_name: str | None
    late: bool
    position: tuple[datetime | None, int]  # hand back as `after` for the next page


@dataclass(frozen=True, slots=True)
class ConversationView:
    conversation: int
    customer_name: str
    state: str
    language: str
    zone: str
    assignee_id: int | None
    assignee_name: str | None
    seq: int
    shown_seq: int
    promise: PromiseView | None
    opened_at: datetime
    closed_at: datetime | None
    close_reason: str | None


def preview_of(text: str | None) -> str:
    """The beginning of a text, cut between graphemes: no half of an emoji family, no accent without its letter."""
    flat = " ".join((text or "").split())
    if len(flat) <= PREVIEW_GRAPHEMES_MAX:
        return flat
    clusters = regex.findall(r"\X", flat[:PREVIEW_CHARACTERS_MAX])
    if len(flat) <= PREVIEW_CHARACTERS_MAX and len(clusters) <= PREVIEW_GRAPHEMES_MAX:
        return flat
    if len(clusters) <= PREVIEW_GRAPHEMES_MAX:
        clusters = clusters[:-1] or clusters  # the last one was cut, unless a tower of marks is all there is
    return "".join(clusters[:PREVIEW_GRAPHEMES_MAX]) + "…"


async def queue(tx: Tx, viewer: AgentViewer, *, view: Literal["queue", "mine", "lead"] = "queue", limit: int = 50,
                after: tuple[datetime | None, int] | None = None) -> list[QueueRow]:  # fmt: skip
    """Waiting and nobody's, longest waiting first; or the viewer's own; or the lead's list (leads only)."""
    limit = max(1, min(limit, QUEUE_MAX))
    since, last = after or (BEGINNING, 0)
    if view == "mine":
        rows = await tx.fetch(MINE, limit, viewer.agent_id, last)
    elif view == "lead":
        require_lead(viewer)
        rows = await tx.fetch(LEADS, limit, since or BEGINNING, last)
    else:
        rows = await tx.fetch(QUEUE, limit, since or BEGINNING, last)
    return [_queue_row(row, view) for row in rows]


def _queue_row(row: Row, view: str) -> QueueRow:
    at = row["lead_since"] if view == "lead" else row["waiting_since"]
    return QueueRow(
        row["id"], row["customer_name"], preview_of(row["preview"]), row["language"], row["waiting_since"], row["due_at"],
        row["owner"], row["assignee_name"], bool(row["late"]), (at, row["id"]),
    )  # fmt: skip


async def conversation(tx: Tx, policy: Policy, viewer: Viewer, number: int, *, language: str) -> ConversationView:
    """One conversation with its open promise, told in `language`. Refused not_found (404)."""
    row = await visible(tx, viewer, number)
    name = await tx.fetchval("SELECT name FROM customers WHERE id = $1", row["customer_id"])
    promise = promise_view(await open_promise(tx, number), policy, language)
    assignee = row["assignee_id"]
    return ConversationView(
        number, name, row["state"], row["language"], row["zone"], assignee,
        policy.agent_names.get(assignee) if assignee is not None else None, row["seq"], row["shown_seq"], promise,
        row["opened_at"], row["closed_at"], row["close_reason"],
    )  # fmt: skip


async def lines(tx: Tx, viewer: Viewer, number: int, *, after: int = 0, limit: int = LINES_MAX) -> list[LineView]:
    """Lines after a number: `shown_seq` and only what is shown for a customer, `seq` and all for an agent."""
    await visible(tx, viewer, number)
    limit = max(1, min(limit, LINES_MAX))
    if isinstance(viewer, CustomerViewer):
        return await _with_files(tx, number, await tx.fetch(LINES_SHOWN, number, after, limit))
    return await _with_files(tx, number, await tx.fetch(LINES_ALL, number, after, limit))


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a conversation stands: what a live reader is told beside the lines."""

    shown_seq: int
    state: str
    promise: PromiseView | None


async def news(tx: Tx, policy: Policy, viewer: CustomerViewer, number: int, *, after: int,
               language: str) -> tuple[list[LineView], Stand]:  # fmt: skip
    """Lines after `shown_seq`, and where the conversation stands. The stand is read first: a line that comes between is
    told with the next news, and never is a number named whose line was not."""
    row = await visible(tx, viewer, number)
    promise = promise_view(await open_promise(tx, number), policy, language)
    found: list[LineView] = []
    if row["shown_seq"] > after:
        found = await _with_files(tx, number, await tx.fetch(LINES_SHOWN, number, after, LINES_MAX))
    return found, Stand(row["shown_seq"], row["state"], promise)


async def last_lines(tx: Tx, viewer: AgentViewer, number: int, limit: int = LINES_MAX) -> list[LineView]:
    """The newest lines in order: what an agent's page opens with, however long the conversation is."""
    await visible(tx, viewer, number)
    return await _with_files(tx, number, await tx.fetch(LINES_LAST, number, max(1, min(limit, LINES_MAX))))


async def _with_files(tx: Tx, number: int, rows: list[Row]) -> list[LineView]:
    files = await files_of(tx, number, [r["seq"] for r in rows if r["kind"] == "message"]) if rows else {}
    return [line_of(row, files.get(row["seq"], ())) for row in rows]


async def newest_of(tx: Tx, viewer: CustomerViewer) -> int | None:
    """The number of the customer's newest conversation on this channel account: the open one, if one is open.

    Newest by time and not by number: processes draw numbers ahead, so a younger conversation may have the smaller one.
    """
    return await tx.fetchval(  # type: ignore[no-any-return]
        "SELECT c.id FROM handles h JOIN conversations c ON c.customer_id = h.customer_id AND c.account_id = h.account_id"
        " WHERE h.account_id = $1 AND h.kind = $2 AND h.value = $3 ORDER BY c.opened_at DESC, c.id DESC LIMIT 1",
        viewer.account_id,
        viewer.handle_kind,
        viewer.handle_value,
    )


async def earlier(tx: Tx, viewer: CustomerViewer) -> list[Row]:
    """The customer's conversations, newest first, at most EARLIER_MAX."""
    return await tx.fetch(
        "SELECT c.id, c.state, c.opened_at, c.closed_at, c.shown_seq FROM handles h"
        " JOIN conversations c ON c.customer_id = h.customer_id AND c.account_id = h.account_id"
        " WHERE h.account_id = $1 AND h.kind = $2 AND h.value = $3 ORDER BY c.opened_at DESC, c.id DESC LIMIT $4",
        viewer.account_id,
        viewer.handle_kind,
        viewer.handle_value,
        EARLIER_MAX,
    )
