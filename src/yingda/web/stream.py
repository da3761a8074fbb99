"""The customer's live stream: rows after a number, for as long as the token lives. A hint wakes it; rows are the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from yingda.conversations import history
from yingda.conversations.line import LineView
from yingda.conversations.policy import Policy
from yingda.db.desk import Tx
from yingda.errors import Refused, Temporary
from yingda.people.viewer import CustomerViewer
from yingda.web.answers import language_of
from yingda.web.chat_door import asker, house_of, whole_number
from yingda.web.views import line_json, promise_json
from yingda.wiring import House

COMMENT_EVERY_SECONDS = 15.0
STREAMS_PER_CUSTOMER_MAX = 8
# No proxy may hold an event back; no-transform keeps it from compressing the stream.
HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store, no-transform"}


@dataclass
class _Reader:
    house: House
    viewer: CustomerViewer
    number: int
    after: int
    language: str
    expires: datetime
    said: bytes = b""

    async def events(self) -> AsyncIterator[bytes]:
        """Ends when the token ends or the database is away: the client comes back with where it stands."""
        with self.house.live.watching(str(self.number)) as moved:
            while self.house.desk.clock.now() < self.expires:
                moved.clear()
                try:
                    news = await self._news()
                except (Temporary, Refused):
                    return
                if news:
                    yield news
                while not await _set_within(moved, COMMENT_EVERY_SECONDS) and self.house.desk.clock.now() < self.expires:
                    yield b": here\n\n"

    async def _news(self) -> bytes:
        parts = []
        policy = await self.house.policies.present()
        while True:
            found, state = await self.house.desk.read(lambda tx: self._read(tx, policy))
            for line in found:
                self.after = line.shown_seq or self.after
                parts.append(_event("line", line_json(line), self.after))
            if len(found) < history.LINES_MAX:
                break
        if state != self.said:
            self.said = state
            parts.append(b"event: state\ndata: " + state + b"\n\n")
        return b"".join(parts)

    async def _read(self, tx: Tx, policy: Policy) -> tuple[list[LineView], bytes]:
        found, stand = await history.news(tx, policy, self.viewer, self.number, after=self.after, language=self.language)
        state = {"latest_shown_seq": stand.shown_seq, "promise": promise_json(stand.promise), "state": stand.state}
        return found, msgspec.json.encode(state)


def _event(kind: str, data: object, number: int) -> bytes:
    return b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), number, msgspec.json.encode(data))


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


@get("/stream")
async def stream(request: Request[Any, Any, Any], widget_key: FromPath[str]) -> Stream:
    """`text/event-stream` of one conversation after a shown_seq."""
    house = house_of(request)
    viewer, expires = await asker(request, widget_key)
    number = whole_number(request, "conversation", 0, 2**62)
    after = whole_number(request, "after", 0, 2**62)
    policy, language = await house.policies.present(), language_of(request)
    await house.desk.read(lambda tx: history.conversation(tx, policy, viewer, number, language=language))  # or 404
    if house.live.watchers(str(number)) >= STREAMS_PER_CUSTOMER_MAX:
        raise Refused("too_many_streams", status=429)
    reader = _Reader(house, viewer, number, after, language, expires)
    return Stream(reader.events(), media_type="text/event-stream", headers=HEADERS)
