"""Reading events across conversations without losing any.

Numbers are given before commits, so `id > N` skips what commits late (measured: 196 of 5,163 rows lost for ever beside 12
writers). The cursor is (xid, id), read only below the oldest transaction still running. This is the one function that owns
the query. After restoring a dump into another cluster, set `xid` of old rows to 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from yingda.db.desk import Row, Tx

READ_MAX = 500

EVENTS_SINCE = """
SELECT xid::text AS xid, id, conversation_id, seq, shown_seq, at, kind, body FROM events
 WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY events.xid, events.id LIMIT $3
"""  # `ORDER BY xid` would mean the text that is selected: "1000" before "999"


@dataclass(frozen=True, slots=True)
class Cursor:
    xid: int = 0
    id: int = 0


async def events_since(tx: Tx, cursor: Cursor, limit: int = READ_MAX) -> tuple[list[Row], Cursor]:
    """The next events after `cursor` in commit-safe order, and the cursor to go on from."""
    rows = await tx.fetch(EVENTS_SINCE, str(cursor.xid), cursor.id, min(limit, READ_MAX))
    if not rows:
        return rows, cursor
    return rows, Cursor(int(rows[-1]["xid"]), rows[-1]["id"])
