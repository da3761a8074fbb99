"""The outbox: hop 7. One job for one reply; it ends with evidence, or with a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from yingda.conversations.policy import Policies, Policy
from yingda.db.desk import Desk, Row
from yingda.errors import Permanent

Send = Callable[[Desk, Policy, Row], Awaitable[None]]

DELIVERY = """
SELECT d.conversation_id, d.seq, d.shown_seq, d.state, d.created_at, a.channel
  FROM deliveries d JOIN conversations c ON c.id = d.conversation_id JOIN channel_accounts a ON a.id = c.account_id
 WHERE d.conversation_id = $1 AND d.seq = $2
"""


class Outbox:
    """`sends`: by channel, what brings one reply to the customer; given by the wiring."""

    def __init__(self, policies: Policies, sends: Mapping[str, Send]) -> None:
        self._policies, self._sends = policies, sends

    async def deliver(self, desk: Desk, args: dict[str, Any]) -> None:
        """The handler of `deliver` jobs. Idempotent: a reply that has ended is left alone."""
        row = await desk.read(lambda tx: tx.fetchrow(DELIVERY, args["conversation"], args["seq"]))
        if row is None:
            raise Permanent("delivery_unknown")
        if row["state"] != "pending":
            return
        send = self._sends.get(row["channel"])
        if send is None:
            raise Permanent("channel_unknown", detail=row["channel"])
        await send(desk, await self._policies.present(), row)
