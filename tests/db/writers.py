"""What the processes of these tests do: append events and give hints, at the same time as each other."""

from __future__ import annotations

import asyncio

from tests.open_desk import open_desk
from tests.processes import Say

from yingda.db.desk import Desk, Tx
from yingda.db.event import Fact

CONVERSATIONS = """
WITH customer AS (INSERT INTO customers (language, zone) VALUES ('en', 'UTC') RETURNING id),
     account AS (INSERT INTO channel_accounts (channel, name, widget_key) VALUES ('chat', 'a', 'a') RETURNING id)
INSERT INTO conversations (id, account_id, customer_id, thread_key, language, zone, last_hash, opened_at)
SELECT n, account.id, customer.id, n::text, 'en', 'UTC', first_hash(n), desk_now()
  FROM account, customer, generate_series(1, $1) AS n
"""


async def make_conversations(desk: Desk, count: int) -> None:
    await desk.statement(lambda tx: tx.execute(CONVERSATIONS, count))


async def append_events(say: Say, url: str, conversation: int, seconds: float) -> None:
    """Transactions of one to three events, some of which take their time between the event and the commit."""

    async def work(tx: Tx, number: int) -> None:
        for _ in range(1 + number % 3):
            await tx.record(conversation, Fact("noted", "desk", {"number": number}))
        if number % 5 == conversation % 5:
            await asyncio.sleep(0.01)

    async with open_desk(url, size=1) as desk:
        say("up")
        until, number = desk.clock.monotonic() + seconds, 0
        while desk.clock.monotonic() < until:
            number += 1
            await desk.transaction(lambda tx, n=number: work(tx, n))
        say("done")


async def hear_hints(say: Say, url: str) -> None:
    async with open_desk(url, size=1) as desk:
        desk.wakes.listen(lambda topics: say(sorted(topics)))
        desk.wakes.start(url, desk.clock, desk.chance)
        await asyncio.Event().wait()
