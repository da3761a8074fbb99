"""However old the desk is, what it does touches rows in proportion to what it returns: asserted on the plans' own counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conversations.big_desk import OPEN_IN, grow
from tests.house import Stage, play

from yingda.conversations import history, sweep
from yingda.db.cursor import EVENTS_SINCE
from yingda.insight import check
from yingda.jobs import work

TASTE, WHOLE = 4_000, 200_000
ROWS_PER_RETURNED_MAX = 12  # a row of a list joins a handful of others
ROWS_BESIDE_MAX = 60
BUFFERS_PER_ROW_MAX = 8  # an index walk of a deep tree, and the row


def touched(node: dict[str, Any]) -> int:
    """Rows that the scans of a plan read, those thrown away included."""
    own = 0
    if "Scan" in node["Node Type"] and node["Node Type"] not in ("Subquery Scan", "Function Scan", "Bitmap Heap Scan"):
        loops = node["Actual Loops"]
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)) * loops
    return int(own) + sum(touched(child) for child in node.get("Plans", ()))


async def plan_of(s: Stage, query: str, *args: object) -> dict[str, Any]:
    async def work(tx):
        # Analyse only: what an UPDATE does is rolled back.
        await tx.execute("BEGIN")
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        found = await tx.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *args)
        await tx.execute("ROLLBACK")
        return found

    found = await s.desk.read(work)
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


async def assert_in_proportion(s: Stage, name: str, query: str, *args: object, returned: int | None = None) -> None:
    plan = await plan_of(s, query, *args)
    rows = touched(plan)
    gives = returned if returned is not None else int(plan["Actual Rows"])
    most = ROWS_PER_RETURNED_MAX * gives + ROWS_BESIDE_MAX
    assert rows <= most, f"{name}: {rows} rows touched for {gives} returned\n{json.dumps(plan, indent=1)[:6000]}"
    buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert buffers <= BUFFERS_PER_ROW_MAX * max(rows, 10), f"{name}: {buffers} buffers for {rows} rows"


def scene_of(conversations: int):
    async def scene(s: Stage):
        await s.desk.read(lambda tx: grow(tx, conversations))
        far = datetime(1970, 1, 1, tzinfo=UTC)
        some = 1_000_000 + OPEN_IN
        await assert_in_proportion(s, "queue", history.QUEUE, 50, far, 0)
        await assert_in_proportion(s, "mine", history.MINE, 50, s.cast.guyu.agent_id, 0)
        await assert_in_proportion(s, "lead", history.LEADS, 50, far, 0)
        await assert_in_proportion(s, "stream", history.LINES_SHOWN, some, 8, 200)
        await assert_in_proportion(s, "conversation", history.LINES_LAST, some, 200)
        await assert_in_proportion(s, "sweep: past due", sweep.PAST_DUE, 200)
        await assert_in_proportion(s, "sweep: untold", sweep.UNTOLD, 200, 7.0)
        await assert_in_proportion(s, "cursor from the beginning", EVENTS_SINCE, "0", 0, 500)
        last = await s.desk.read(lambda tx: tx.fetchval("SELECT max(id) FROM events"))
        await assert_in_proportion(s, "cursor at the end", EVENTS_SINCE, "0", last, 500)
        await assert_in_proportion(s, "check: moved on", check.MOVED_ON, 5.0)
        await assert_in_proportion(s, "jobs", work.CLAIM, "nobody", 60.0, 20)
        waiting = conversations // OPEN_IN
        await assert_in_proportion(s, "check: promised", check.PROMISED, 10.0, returned=waiting)
        before = await write_cost(s)
        await s.desk.read(lambda tx: tx._connection.execute(LONG_CONVERSATION, timeout=600))
        assert await write_cost(s) <= before * 1.5 + 40, "a long conversation costs no more to append to"

    return scene


LONG_CONVERSATION = """
INSERT INTO lines (conversation_id, seq, shown_seq, at, kind, text, salt, language, zone)
SELECT (SELECT max(id) FROM conversations WHERE id < 1000000), 1000 + s, 1000 + s, desk_now(), 'reply', 'x', '\\x00', 'en', 'UTC'
  FROM generate_series(1, 5000) s
"""


async def write_cost(s: Stage) -> int:
    """Buffers that one more message of a known customer touches (the second of two, with the plans warm)."""
    await s.write(s.cast.maya, "hello")
    read = "SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint FROM pg_statio_user_tables"
    flush = "SELECT pg_stat_force_next_flush()"
    await s.desk.read(lambda tx: tx.fetchval(flush))
    before = await s.desk.read(lambda tx: tx.fetchval(read))
    await s.write(s.cast.maya, "hello again")
    await s.desk.read(lambda tx: tx.fetchval(flush))
    return int(await s.desk.read(lambda tx: tx.fetchval(read)) - before)


def test_a_desk_of_some_thousand_conversations_touches_what_it_returns(database_url):
    assert play(database_url, scene_of(TASTE), size=1) is None


@pytest.mark.slow
def test_a_desk_of_two_million_messages_touches_what_it_returns(database_url):
    assert play(database_url, scene_of(WHOLE), size=1) is None
