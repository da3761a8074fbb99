"""`/health`: whether the desk keeps its word right now. An outside cron asks it and pages somebody when it does not answer."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.response import Response

from yingda.errors import Temporary
from yingda.insight.check import watchful
from yingda.web.answers import json_answer
from yingda.web.chat_door import house_of


@get("/health")
async def health(request: Request[Any, Any, Any]) -> Response[bytes]:
    """200 with `ok` true; 503 when an invariant is violated, a watcher is late or the database is away. Counts only, no ids."""
    house = house_of(request)
    try:
        found = await house.desk.read(lambda tx: watchful(tx, house.doors))
    except Temporary as error:
        return json_answer({"ok": False, "reason": error.code}, 503, {"Retry-After": str(error.retry_after_seconds)})
    counts = {name: entry["violations"] for name, entry in found["invariants"].items()}
    ok = not any(counts.values())
    body = {"ok": ok, "at": house.desk.clock.now(), "invariants": counts, "watchers": found["watchers"]}
    return json_answer(body, 200 if ok else 503)
