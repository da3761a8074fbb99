"""The shelf: jobs that will not work by themselves, for a person to look at."""

from __future__ import annotations

from yingda.db.desk import Row, Tx
from yingda.db.wake import JOBS
from yingda.errors import Refused

SHELF_MAX = 100


async def shelf(tx: Tx, limit: int = 50) -> list[Row]:
    """id, kind, args, attempts, error, failed_at; the newest first."""
    return await tx.fetch(
        "SELECT id, kind, args, attempts, error, failed_at FROM jobs WHERE failed_at IS NOT NULL"
        " ORDER BY failed_at DESC, id LIMIT $1",
        max(1, min(limit, SHELF_MAX)),
    )


async def retry(tx: Tx, job: int) -> None:
    """Put one back to work. It says nothing of success: that the work tells by itself. Refused not_found (404)."""
    changed = await tx.fetchval(
        "UPDATE jobs SET failed_at = NULL, error = NULL, attempts = 0, run_at = desk_now()"
        " WHERE id = $1 AND failed_at IS NOT NULL RETURNING id",
        job,
    )
    if changed is None:
        raise Refused("not_found", status=404)
    tx.woken.add(JOBS)
