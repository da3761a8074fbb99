"""All that stands in a desk's database, without what differs from one run to the next: times, ids, salts, hashes, tokens.

Two desks to which the same happened have the same portrait; something missing or doubled shows.
"""

from __future__ import annotations

from typing import Any

from tests.open_desk import rows

from yingda.db.desk import Desk

# A conversation's number is drawn ahead and may be skipped: its place among all stands for it.
NUMBERED = "WITH k AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM conversations) "
TABLES = {
    "desk": "SELECT language, zone FROM desk",
    "desk_keys": "SELECT purpose FROM desk_keys",
    "channel_accounts": "SELECT channel, name, widget_key FROM channel_accounts ORDER BY id",
    "wallet_keys": "SELECT kid, algorithm, retired_at IS NOT NULL FROM wallet_keys ORDER BY kid",
    "customers": "SELECT name, language, zone FROM customers ORDER BY name, id",
    "handles": "SELECT kind, value, count(*) FROM handles GROUP BY 1, 2 ORDER BY 1, 2",
    "guest_sessions": "SELECT expires_at > desk_now() FROM guest_sessions ORDER BY 1",
    "agents": "SELECT email, role FROM agents ORDER BY email",
    "staff_sessions": "SELECT agent_id, expires_at > desk_now() FROM staff_sessions ORDER BY 1, 2",
    "signin_failures": "SELECT count(*) FROM signin_failures",
    "conversations": NUMBERED + "SELECT k.place, state, seq, shown_seq, seen_shown_seq, assignee_id, waiting_since IS NOT NULL,"
    " lead_since IS NOT NULL, close_reason FROM conversations JOIN k USING (id) ORDER BY 1",
    "events": NUMBERED + "SELECT k.place, seq, shown_seq, kind FROM events JOIN k ON k.id = conversation_id ORDER BY 1, 2",
    "lines": NUMBERED + "SELECT k.place, seq, shown_seq, kind, code, CASE kind WHEN 'system' THEN '' ELSE text END, awaits,"
    " masked, told_at IS NOT NULL, withheld, outside_id FROM lines JOIN k ON k.id = conversation_id ORDER BY 1, 2",
    "promises": NUMBERED + "SELECT k.place, kind, state, owner, from_seq FROM promises JOIN k ON k.id = conversation_id"
    " ORDER BY 1, promises.id",
    "deliveries": NUMBERED + "SELECT k.place, seq, state, seen_through FROM deliveries JOIN k ON k.id = conversation_id"
    " ORDER BY 1, 2",
    "files": NUMBERED + "SELECT k.place, seq, name, size FROM files LEFT JOIN k ON k.id = conversation_id ORDER BY 1, 2, 3",
    "staff_keys": NUMBERED + "SELECT k.place, key, seq FROM staff_keys JOIN k ON k.id = conversation_id ORDER BY 1, 2",
    "jobs": "SELECT kind, args -> 'seq', worker, failed_at IS NOT NULL FROM jobs ORDER BY 1, 2, 4, id",
    "periodic": "SELECT name, worker, error FROM periodic ORDER BY name",
    "runs": "SELECT number FROM runs ORDER BY 1",
}  # fmt: skip

Portrait = dict[str, list[tuple[Any, ...]]]


async def portrait(desk: Desk, *, without: frozenset[str] = frozenset()) -> Portrait:
    there = {name for (name,) in await rows(desk, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert there - {"migrations", "time_passed"} <= set(TABLES), "a new table belongs into the portrait"
    return {name: await rows(desk, query) for name, query in TABLES.items() if name in there - without}


def unordered(portrayed: Portrait) -> Portrait:
    """The portrait when several wrote at once: which of them came first is open, that each came once is not."""
    *_, outside = zip(*portrayed["lines"], strict=True)
    whose = sorted((outside_id,) for outside_id in outside if outside_id is not None)
    return {**portrayed, "lines": [line[:-1] for line in portrayed["lines"]], "outside ids": whose}


def differences(expected: Portrait, found: Portrait) -> list[str]:
    return [
        f"{name}: expected {expected.get(name)}, found {found.get(name)}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
