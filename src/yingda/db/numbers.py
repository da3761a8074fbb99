"""Numbers drawn ahead of their use, a block in one round trip, so that words can name a number before its row exists."""

from __future__ import annotations

import asyncio

from yingda.db.desk import Desk

BLOCK = 100  # the sequence's own increment
DRAW = "SELECT nextval('conversation_numbers')"


class Numbers:
    """Gaps are allowed: a block whose process dies is lost, and nothing is made of the numbers but names."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._left: list[int] = []
        self._drawing = asyncio.Lock()  # of many who find none left, one draws

    async def take(self) -> int:
        if not self._left:
            async with self._drawing:
                if not self._left:
                    first: int = await self._desk.statement(lambda tx: tx.fetchval(DRAW))
                    self._left.extend(range(first + BLOCK - 1, first - 1, -1))
        return self._left.pop()

    def give_back(self, number: int) -> None:
        self._left.append(number)
