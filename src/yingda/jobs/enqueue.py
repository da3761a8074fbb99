"""Jobs are rows: written on the caller's transaction, so they exist exactly when their cause does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yingda.db.desk import Tx
from yingda.db.wake import JOBS


async def enqueue(tx: Tx, kind: str, args: dict[str, Any], run_at: datetime | None = None) -> int:
    """Write one job; `args` are JSON and hold ids, never words. Returns its id."""
    tx.woken.add(JOBS)
    return await tx.fetchval(  # type: ignore[no-any-return]
        "INSERT INTO jobs (kind, args, run_at) VALUES ($1, $2, coalesce($3, desk_now())) RETURNING id", kind, args, run_at
    )
