"""Group commit: messages that wait at the same time are received in one statement and one commit.

Nobody waits for company: a message that finds a free lane goes at once, alone; those that come while the lanes are busy go
together with the next. A message that spoils a batch is found by trying each of it alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from yingda.db.desk import Desk, Row
from yingda.errors import Temporary

LANES = 2
BATCH_MAX = 64
WHOLE_BATCH = ("database_away", "disk_full")  # what ails the database ails each message of a batch

ONE = """
SELECT * FROM receive_message($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                              $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
"""
MANY = "SELECT * FROM receive_messages($1)"
ORDER = slice(0, 3)  # account, kind and value of the handle: the order in which every process locks customers

Arguments = tuple[Any, ...]  # the fields of inbound_message


@dataclass(eq=False)
class _Waiting:
    arguments: Arguments
    row: asyncio.Future[Row] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Fold:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: deque[_Waiting] = deque()
        self._lanes: set[asyncio.Task[None]] = set()

    async def receive(self, arguments: Arguments) -> Row:
        """The row that `receive_message` gives for these arguments; raises what the desk raises."""
        waiting = _Waiting(arguments)
        self._waiting.append(waiting)
        if len(self._lanes) < LANES:
            # A task of its own: a client that goes away cancels its own waiting, never a batch that others are in.
            lane = asyncio.create_task(self._drain(), name="fold")
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return await waiting.row

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
            try:
                await self._together(sorted(batch, key=lambda w: w.arguments[ORDER]))
            except BaseException as error:
                for one in batch:
                    _fail(one, error)
                if not isinstance(error, Exception):
                    raise

    async def _together(self, batch: list[_Waiting]) -> None:
        if len(batch) > 1:
            try:
                rows = await self._desk.statement(lambda tx: tx.fetch(MANY, [w.arguments for w in batch]))
            except Exception as error:
                if isinstance(error, Temporary) and error.code in WHOLE_BATCH:
                    raise
            else:
                for one, row in zip(batch, rows, strict=True):
                    _tell(one, row)
                return
        for one in batch:
            try:
                _tell(one, await self._desk.statement(lambda tx, a=one.arguments: tx.fetchrow(ONE, *a)))  # type: ignore[misc]
            except Exception as error:
                _fail(one, error)


def _tell(one: _Waiting, row: Row | None) -> None:
    assert row is not None
    if not one.row.done():
        one.row.set_result(row)


def _fail(one: _Waiting, error: BaseException) -> None:
    if one.row.done():
        return
    if isinstance(error, Exception):
        one.row.set_exception(error)
    else:
        one.row.cancel()
