"""Evidence: what really reached the customer. Nobody sets a status; only the channel's own word does."""

from __future__ import annotations

from yingda.conversations.access import visible
from yingda.conversations.policy import Policy
from yingda.conversations.promise import cover
from yingda.db.desk import Tx
from yingda.db.event import Fact
from yingda.errors import Refused
from yingda.people.viewer import CustomerViewer

# The longest any channel waits for its evidence before a reply is offered: shown at the next visit.
COLLECT_SECONDS_MAX = 120.0


async def acknowledge(tx: Tx, policy: Policy, viewer: CustomerViewer, conversation: int, shown_seq: int) -> int:
    """The customer's client shows everything up to `shown_seq`: receipts are told, replies delivered, promises kept.

    Returns the latest shown_seq. Idempotent and never going back. Refused: not_found, shown_seq_unknown.
    """
    row = await visible(tx, viewer, conversation, lock=True)
    if not 0 <= shown_seq <= row["shown_seq"]:
        raise Refused("shown_seq_unknown", "shown_seq")
    if shown_seq > row["seen_shown_seq"]:
        await tx.execute("UPDATE conversations SET seen_shown_seq = $2 WHERE id = $1", conversation, shown_seq)
        await tx.execute(
            "UPDATE lines SET told_at = desk_now()"
            " WHERE conversation_id = $1 AND awaits AND told_at IS NULL AND receipt_shown_seq <= $2",
            conversation,
            shown_seq,
        )
        for delivery in await tx.fetch(
            "SELECT seq FROM deliveries WHERE conversation_id = $1 AND shown_seq > $2 AND shown_seq <= $3"
            " AND state IN ('pending', 'offered') ORDER BY seq",
            conversation,
            row["seen_shown_seq"],
            shown_seq,
        ):
            await deliver_seen(tx, policy, conversation, delivery["seq"])
    return row["shown_seq"]  # type: ignore[no-any-return]


async def deliver_seen(tx: Tx, policy: Policy, conversation: int, seq: int) -> None:
    """The reply `seq` was shown: delivered. Its conversation is locked by the caller."""
    row = await tx.fetchrow(
        "UPDATE deliveries SET state = 'delivered', ended_at = desk_now()"
        " WHERE conversation_id = $1 AND seq = $2 AND state IN ('pending', 'offered') RETURNING seen_through",
        conversation,
        seq,
    )
    if row is not None:
        await tx.record(conversation, Fact("delivered", "customer", {"reply": seq}))
        await cover(tx, policy, conversation, row["seen_through"])


async def offer(tx: Tx, policy: Policy, conversation: int, seq: int) -> None:
    """Stored, every proven channel tried, shown at the next visit: the clock stops, counted as answered, not collected."""
    await tx.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", conversation)
    row = await tx.fetchrow(
        "UPDATE deliveries SET state = 'offered', ended_at = desk_now()"
        " WHERE conversation_id = $1 AND seq = $2 AND state = 'pending' RETURNING seen_through",
        conversation,
        seq,
    )
    if row is not None:
        await tx.record(conversation, Fact("offered", "desk", {"reply": seq}))
        await cover(tx, policy, conversation, row["seen_through"])


async def withhold(tx: Tx, conversation: int, reason: str, older_than_seconds: float) -> int:
    """Receipts that their customer's client has not shown in time: the promise stands, as an inside one. Returns how many."""
    await tx.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", conversation)
    rows = await tx.fetch(
        "UPDATE lines SET withheld = $2 WHERE conversation_id = $1 AND awaits AND told_at IS NULL AND withheld IS NULL"
        " AND at <= desk_now() - make_interval(secs => $3) RETURNING seq",
        conversation,
        reason,
        older_than_seconds,
    )
    for row in sorted(rows, key=lambda r: r["seq"]):
        await tx.record(conversation, Fact("receipt_withheld", "desk", {"message": row["seq"], "reason": reason}))
    return len(rows)
