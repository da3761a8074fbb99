"""`yingda check`: counts violations of the eight invariants. What cannot be checked says None, never 0.

Each has an allowance: what is younger is no violation. The expensive parts (the whole hash chain, coverage of every answered
message) belong to the command; `watchful` is what production looks at every few seconds and touches only what is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yingda.conversations.evidence import COLLECT_SECONDS_MAX
from yingda.db.desk import SERVING, Tx
from yingda.jobs.periodic import Door, watch

RECEIPT_SECONDS_MAX = 10.0
SWEEP_SECONDS_MAX = 5.0
# Beyond what the channel itself waits: the lease of a worker that was killed, its release, and a back-off.
DELIVERY_SECONDS_MAX = 120.0
JOB_AGE_SECONDS_MAX = 30.0
EXAMPLES_MAX = 10

# 3: an open promise for every message that awaits an answer, and the customer told, or the reason why not.
# (Scalar subqueries, because each must be a look-up by key: what is open is little, what is closed is everything.)
PROMISED = """
SELECT l.conversation_id AS id FROM lines l
 WHERE l.awaits AND l.at < desk_now() - make_interval(secs => $1)
   AND ((l.told_at IS NULL AND l.withheld IS NULL)
        OR NOT coalesce((SELECT c.state = 'open' AND c.waiting_since IS NOT NULL FROM conversations c
                          WHERE c.id = l.conversation_id), false)
        OR (SELECT p.id FROM promises p WHERE p.conversation_id = l.conversation_id AND p.state = 'open') IS NULL)
 ORDER BY l.conversation_id
"""
# 4: nothing stays past due.
MOVED_ON = """
SELECT conversation_id AS id FROM promises WHERE state = 'open' AND due_at < desk_now() - make_interval(secs => $1)
 ORDER BY conversation_id
"""
# 6: "delivered" has the client's word; nothing is on its way for longer than its channel waits.
DELIVERED = """
SELECT d.conversation_id AS id FROM deliveries d JOIN conversations c ON c.id = d.conversation_id
 WHERE d.state = 'pending' AND d.created_at < desk_now() - make_interval(secs => $1)
 ORDER BY d.conversation_id
"""
CLAIMED_WITHOUT_EVIDENCE = """
SELECT d.conversation_id AS id FROM deliveries d JOIN conversations c ON c.id = d.conversation_id
 WHERE d.state = 'delivered' AND c.seen_shown_seq < d.shown_seq
UNION ALL
SELECT m.conversation_id FROM lines m
 WHERE m.kind = 'message' AND NOT m.awaits
   AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.conversation_id = m.conversation_id AND d.seen_through >= m.seq
                    AND d.state IN ('delivered', 'offered'))
   AND NOT EXISTS (SELECT 1 FROM events e WHERE e.conversation_id = m.conversation_id AND e.seq > m.seq AND e.kind = 'classified'
                    AND position(convert_to('"message":' || m.seq || '}', 'UTF8') IN e.body) > 0)
 ORDER BY 1
"""
JOBS_AGE = """
SELECT coalesce(extract(epoch FROM max(desk_now() - run_at)), 0)::float8 FROM
 (SELECT run_at FROM jobs WHERE worker IS NULL AND failed_at IS NULL AND run_at <= desk_now()
   ORDER BY run_at, id LIMIT 1) AS oldest
"""
SERVED = """
SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1)
"""
LAST_WORK = "SELECT coalesce(extract(epoch FROM desk_now() - max(ran_at)), 0)::float8 FROM periodic"
# Bodies are searched as bytes and never parsed: one that was tampered with may be no JSON, and must be counted, not fail us.
# Their form is canonical, so a member always looks the same.
HASHES = """
WITH chain AS (
  SELECT conversation_id, seq, hash, kind, body,
         event_hash(lag(hash, 1, first_hash(conversation_id)) OVER w, seq, at, body) AS expected, row_number() OVER w AS place
    FROM events WINDOW w AS (PARTITION BY conversation_id ORDER BY seq))
SELECT count(*) AS events, count(*) FILTER (
         WHERE hash <> expected OR place <> seq OR position(convert_to('"kind":"' || kind || '"', 'UTF8') IN body) = 0) AS broken
  FROM chain
"""
# The last link of each chain stands in the conversation: an event cut off at the end is seen too.
HEADS = """
SELECT (SELECT count(*) FROM conversations c LEFT JOIN events e ON e.conversation_id = c.id AND e.seq = c.seq
         WHERE e.hash IS DISTINCT FROM c.last_hash)
     + (SELECT count(*) FROM events e
         WHERE e.seq = 1 AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = e.conversation_id))
"""
# The words that stand are the words that were committed to, each beside its event, and none is missing.
WORDS = """
SELECT count(*) FROM events e FULL JOIN lines l USING (conversation_id, seq)
 WHERE e.seq IS NULL OR CASE WHEN l.seq IS NULL THEN position('"content":"'::bytea IN e.body) > 0
       ELSE l.at <> e.at OR l.shown_seq IS DISTINCT FROM e.shown_seq
            OR position(convert_to('"content":"' || encode(sha256(l.salt || convert_to(l.text, 'UTF8') || coalesce(
                 (SELECT string_agg('\\x00'::bytea || convert_to(encode(f.sha256, 'hex'), 'UTF8'), ''::bytea
                                    ORDER BY f.created_at, f.id)
                    FROM files f WHERE f.conversation_id = l.conversation_id AND f.seq = l.seq), ''::bytea)), 'hex') || '"',
               'UTF8') IN e.body) = 0 END
"""
FILES = "SELECT count(*) FROM files WHERE conversation_id IS NOT NULL AND sha256 <> sha256(data)"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What senders were told "yes" for, compared with what stands: each must be there exactly once."""

    acknowledged: int
    missing: list[str]
    doubled: list[str]


def finding(ids: list[Any] | None) -> dict[str, Any]:
    if ids is None:
        return {"violations": None, "examples": []}
    return {"violations": len(ids), "examples": [str(i) for i in ids[:EXAMPLES_MAX]]}


async def stopped_seconds(tx: Tx) -> float | None:
    """How long ago the watchers last worked when no process serves this desk; None while one does.

    A desk that is switched off moves nothing on. What it owes is then judged as of the moment it stopped.
    """
    if await tx.fetchval(SERVED, SERVING):
        return None
    return float(await tx.fetchval(LAST_WORK))


async def watchful(tx: Tx, doors: Mapping[str, Door], *, stopped: float | None = None) -> dict[str, Any]:
    """Invariants over what is open, and the ages of the watchers. Cheap however old the desk is."""
    watchers, late = await _watchers(tx, doors)
    off = stopped or 0.0
    promised = await _ids(tx, PROMISED, RECEIPT_SECONDS_MAX + off)
    moved = await _ids(tx, MOVED_ON, SWEEP_SECONDS_MAX + off)
    pending = await _ids(tx, DELIVERED, COLLECT_SECONDS_MAX + DELIVERY_SECONDS_MAX + off)
    return {
        "invariants": {
            "kept": finding(None),  # only a ledger from outside can tell
            "taken": finding([]),  # our own chat takes in the transaction that keeps; no other channel exists yet
            "promised": finding(promised),
            "moved_on": finding(moved),
            "owned": finding(None),  # presence and leases come with routing
            "delivered": finding(pending),
            "reconciled": finding(None),  # no provider holds anything of ours yet
            "watched": finding(late if stopped is None else None),
        },
        "watchers": watchers,
    }


async def check(tx: Tx, doors: Mapping[str, Door], ledger: Ledger | None) -> dict[str, Any]:
    """The whole check. `tx` should carry the time-outs of a report."""
    stopped = await stopped_seconds(tx)
    result = await watchful(tx, doors, stopped=stopped)
    result["serving"] = stopped is None
    found = result["invariants"]
    if ledger is not None:
        found["kept"] = finding(ledger.missing)
        found["taken"] = finding(ledger.doubled)
    claimed = await _ids(tx, CLAIMED_WITHOUT_EVIDENCE)
    pending = await _ids(tx, DELIVERED, COLLECT_SECONDS_MAX + DELIVERY_SECONDS_MAX + (stopped or 0.0))
    found["delivered"] = finding(sorted({*claimed, *pending}))
    chain = await tx.fetchrow(HASHES)
    assert chain is not None
    broken = chain["broken"] + await tx.fetchval(HEADS) + await tx.fetchval(WORDS) + await tx.fetchval(FILES)
    result["hashes"] = {"events": chain["events"], "broken": broken}
    result["at"] = await tx.now()
    result["ledger"] = None if ledger is None else {
        "acknowledged": ledger.acknowledged, "missing": len(ledger.missing), "doubled": len(ledger.doubled)
    }  # fmt: skip
    violations = sum(i["violations"] or 0 for i in found.values())
    result["ok"] = violations == 0 and broken == 0
    return result


async def compare_ledger(tx: Tx, entries: list[tuple[str, str]]) -> Ledger:
    """`entries`: (client id, message id) of every "yes". Missing: in no row; doubled: in more than one."""
    missing: list[str] = []
    doubled: list[str] = []
    for start in range(0, len(entries), 5000):
        part = entries[start : start + 5000]
        # A client id without its kind is the wallet's own id of a customer.
        outside = [f"{c if c.startswith(('wallet:', 'guest:')) else 'wallet:' + c}/{message}" for c, message in part]
        rows = await tx.fetch(
            "SELECT w.outside_id, count(l.seq) AS found FROM (SELECT DISTINCT unnest($1::text[])) AS w (outside_id)"
            " LEFT JOIN lines l ON l.outside_id = w.outside_id AND l.kind = 'message' GROUP BY 1 ORDER BY 1",
            outside,
        )
        missing += [r["outside_id"] for r in rows if r["found"] == 0]
        doubled += [r["outside_id"] for r in rows if r["found"] > 1]
    return Ledger(len(entries), missing, doubled)


async def _ids(tx: Tx, query: str, *args: object) -> list[Any]:
    return [row["id"] for row in await tx.fetch(query, *args)]


async def _watchers(tx: Tx, doors: Mapping[str, Door]) -> tuple[dict[str, Any], list[str]]:
    ages = {row["name"]: row["age_seconds"] for row in await watch(tx, doors)}
    most = {name: door.age_seconds_max + door.every_seconds for name, door in doors.items()}
    ages["jobs"], most["jobs"] = await tx.fetchval(JOBS_AGE), JOB_AGE_SECONDS_MAX
    watchers = {
        name: {"age_seconds": round(max(0.0, ages.get(name, 0.0)), 3), "age_seconds_max": most[name]} for name in sorted(most)
    }
    late = [name for name, w in watchers.items() if name not in ages or w["age_seconds"] > w["age_seconds_max"]]
    return watchers, late
