"""One customer of a replay: writes one message, shows what comes, and looks for the answer. Speaks only the public API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from itertools import cycle
from typing import Any

import httpx

from yingda.clock import Clock
from yingda.people.wallet_token import TOKEN_LIFE_SECONDS_MAX, sign_customer_token

POOLS, CONNECTIONS_EACH = 16, 4
CONNECTIONS_MAX = POOLS * CONNECTIONS_EACH
REQUEST_SECONDS_MAX = 30.0
TRY_SECONDS_MAX = 120.0
BACKOFF_SECONDS_MAX = 10.0
TOKEN_MARGIN_SECONDS = 60
_HAN = re.compile("[\u3400-\u9fff]")


class Outcome(Enum):
    WAITING = "waiting"
    REFUSED = "refused"
    FAILED = "failed"
    ANSWERED_BY_BOT = "answered_by_bot"
    CLARIFYING = "clarifying"
    HANDED_OVER = "handed_over"
    ANSWERED_BY_PERSON = "answered_by_person"


@dataclass(frozen=True)
class Target:
    url: str
    widget_key: str
    kid: str
    secret: bytes
    clock: Clock

    @property
    def chat(self) -> str:
        return f"{self.url}/chat/{self.widget_key}"


class Http:
    """Several small pools of connections in turn: one large pool walks all its connections for every request."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS_EACH, max_keepalive_connections=CONNECTIONS_EACH)
        self._clients = [httpx.AsyncClient(timeout=REQUEST_SECONDS_MAX, limits=limits, trust_env=False) for _ in range(POOLS)]
        self._turn = cycle(self._clients)

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(self, *error: object) -> None:
        for each in self._clients:
            await each.aclose()

    async def get(self, url: str, headers: dict[str, str]) -> httpx.Response:
        return await next(self._turn).get(url, headers=headers)

    async def post(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        return await next(self._turn).post(url, json=body, headers=headers)


@dataclass
class Customer:
    target: Target
    subject: str
    text: str
    outcome: Outcome = Outcome.WAITING
    conversation: int | None = None
    shown_seq: int = 0
    receipt_ms: float | None = None
    first_answer_ms: float | None = None
    sent_at: float = 0.0
    acknowledged_at: str | None = None
    _token: str = field(default="", repr=False)
    _token_until: float = 0.0

    @property
    def message_id(self) -> str:
        return "m1"

    def headers(self) -> dict[str, str]:
        now = self.target.clock.monotonic()
        if now > self._token_until:
            t = self.target
            self._token = sign_customer_token(t.kid, t.widget_key, t.secret, self.subject, t.clock.now(), name=self.subject)
            self._token_until = now + TOKEN_LIFE_SECONDS_MAX - TOKEN_MARGIN_SECONDS
        return {"Authorization": f"Bearer {self._token}"}

    async def send(self, http: Http) -> None:
        """Write until somebody says yes or a 4xx says no. The same message_id each time: it is stored once."""
        clock = self.target.clock
        self.sent_at = clock.monotonic()
        language = "zh-CN" if _HAN.search(self.text) else "en"
        body = {"message_id": self.message_id, "text": self.text, "language": language}
        wait = 0.5
        while clock.monotonic() - self.sent_at < TRY_SECONDS_MAX:
            began = clock.monotonic()
            answer = await self._post(http, "messages", body)
            if answer is not None and answer.status_code in (200, 201):
                self.receipt_ms = (clock.monotonic() - began) * 1000
                self.acknowledged_at = clock.now().isoformat()
                said = answer.json()
                self.conversation, self.shown_seq = said["conversation"], said["latest_shown_seq"]
                return
            if answer is not None and 400 <= answer.status_code < 500 and answer.status_code != 429:
                self.outcome = Outcome.REFUSED
                return
            retry_after = float(answer.headers.get("retry-after", wait)) if answer is not None else wait
            await clock.sleep(min(retry_after, BACKOFF_SECONDS_MAX))
            wait = min(wait * 2, BACKOFF_SECONDS_MAX)
        self.outcome = Outcome.FAILED

    async def show(self, http: Http) -> None:
        """Tell the desk what this client shows: the evidence of the receipt."""
        await self._post(http, "shown", {"conversation": self.conversation, "shown_seq": self.shown_seq})

    async def look(self, http: Http) -> None:
        """Read the conversation as a customer does, and see what became of the message."""
        try:
            answer = await http.get(f"{self.target.chat}/lines?conversation={self.conversation}", self.headers())
        except httpx.HTTPError:
            return
        if answer.status_code == 200:
            seen = answer.json()
            self._judge(seen)
            if seen["latest_shown_seq"] > self.shown_seq and not seen["more"]:
                self.shown_seq = seen["latest_shown_seq"]
                await self.show(http)

    def _judge(self, seen: dict[str, Any]) -> None:
        kinds = {line["author"]["kind"] for line in seen["lines"] if line["kind"] == "reply"}
        codes = {line["code"] for line in seen["lines"]}
        if kinds and self.first_answer_ms is None:
            self.first_answer_ms = (self.target.clock.monotonic() - self.sent_at) * 1000
        if "person" in kinds:
            self.outcome = Outcome.ANSWERED_BY_PERSON
        elif "clarify" in codes and seen["promise"]:
            self.outcome = Outcome.CLARIFYING
        elif "bot" in kinds and "handed_over" not in codes:
            self.outcome = Outcome.ANSWERED_BY_BOT
        elif seen["promise"] is not None:
            self.outcome = Outcome.HANDED_OVER

    async def _post(self, http: Http, call: str, body: dict[str, Any]) -> httpx.Response | None:
        try:
            return await http.post(f"{self.target.chat}/{call}", body, self.headers())
        except httpx.HTTPError:
            return None
