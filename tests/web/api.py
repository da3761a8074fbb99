"""The chat API and the pages without a server: the real application in this process, on a real desk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import jwt
from tests.house import KID, PASSWORD, SECRET, WIDGET_KEY, Stage, stage

from yingda.clock import SystemClock
from yingda.web.app import build_app
from yingda.wiring import House

T = TypeVar("T")
ORIGIN = "https://wallet.example"
HERE = "http://desk.test"


class MovableClock(SystemClock):
    """The machine's clock, and a hand that moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_seconds = 0.0

    def now(self):
        return super().now() + timedelta(seconds=self.ahead_seconds)

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_seconds


@dataclass
class Api:
    """Every method is synchronous: the loop stands still between two calls."""

    runner: asyncio.Runner
    stage: Stage
    clock: MovableClock
    app: Any
    client: httpx.AsyncClient
    chat: str = f"/chat/{WIDGET_KEY}"
    _subjects: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    @property
    def house(self) -> House:
        return self.stage.house

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def read(self, statement: str, *args: object) -> Any:
        return self.run(self.stage.desk.read(lambda tx: tx.fetchval(statement, *args)))

    def write(self, statement: str, *args: object) -> None:
        self.run(self.stage.desk.transaction(lambda tx: tx.execute(statement, *args)))

    def somebody(self) -> str:
        """The name of a customer nobody has met, so that no limit of another test is felt."""
        return f"customer-{next(self._subjects)}"

    def claims(self, subject: str, **changed: Any) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        return {"sub": subject, "aud": WIDGET_KEY, "iat": now, "exp": now + 600, **changed}

    def token(self, subject: str, *, key: Any = SECRET, algorithm: str = "HS256", kid: Any = KID, **changed: Any) -> str:
        claims = {name: value for name, value in self.claims(subject, **changed).items() if value is not ...}
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid is not None else {})

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """`path` below the widget's base unless it begins with a slash."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        where = path if path.startswith("/") else f"{self.chat}/{path}"
        return self.run(self.client.request(method, where, headers=headers, **more))

    def send(self, token: str, text: str = "hello", message_id: str = "m1", **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        body = {"message_id": message_id, "text": text, **more}
        return self.ask("POST", "messages", token, json=body, headers=headers)

    def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, str]:
        """The Cookie header of somebody of the staff."""
        answer = self.ask(
            "POST", "/desk/sign-in", data={"email": email, "password": password}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 303, answer.text
        self.client.cookies.clear()
        return {"Cookie": answer.headers["set-cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin"}

    def listen(self, path: str, token: str, until: Callable[[bytes], bool], seconds: float = 10) -> bytes:
        """What a stream says until `until` is true of it."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.run(asyncio.wait_for(self._listen(path, headers, until), seconds))[1]

    def begin(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """The status of an answer that may never end, and its first words."""
        return self.run(asyncio.wait_for(self._listen(path, headers, lambda heard: bool(heard)), 10))

    async def _listen(self, path: str, headers: dict[str, str], until: Callable[[bytes], bool]) -> tuple[int, bytes]:
        heard, status, done, gone = b"", 0, asyncio.Event(), asyncio.Event()
        address, _, query = (path if path.startswith("/") else f"{self.chat}/{path}").partition("?")
        sent = [(b"host", b"desk.test"), *((name.lower().encode(), value.encode()) for name, value in headers.items())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": address,
            "raw_path": address.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": sent,
            "client": ("127.0.0.1", 1),
            "server": ("desk.test", 80),
        }

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal heard, status
            status = message.get("status", status)
            heard += message.get("body", b"")
            if until(heard):
                done.set()

        task = asyncio.ensure_future(self.app(scope, receive, send))
        ended = asyncio.ensure_future(done.wait())
        await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
        gone.set()
        task.cancel()
        ended.cancel()
        await asyncio.gather(task, ended, return_exceptions=True)
        return status, heard


@contextmanager
def opened_api(database_url: str, *, demo_allowed: bool = True) -> Iterator[Api]:
    with asyncio.Runner() as runner:
        opening = stage(database_url)
        opened = runner.run(opening.__aenter__())
        opened.desk.clock = MovableClock()
        opened.house.message_limit._clock = opened.house.guest_limit._clock = opened.desk.clock
        runner.run(opened.desk.sync_clock())
        app = build_app(opened.house, demo_allowed=demo_allowed)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HERE)
        try:
            yield Api(runner, opened, opened.desk.clock, app, client)
        finally:
            runner.run(client.aclose())
            runner.run(opening.__aexit__(None, None, None))
