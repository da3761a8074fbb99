"""The application: routes, hooks, error answers. It is handed a `House`; it makes nothing itself."""

from __future__ import annotations

from litestar import Litestar, Router, get
from litestar.datastructures import State
from litestar.response import Response

from yingda.chance import SystemChance
from yingda.trust.receipt import public_keys
from yingda.web import chat, desk, health, help, pages
from yingda.web.answers import EXCEPTION_HANDLERS, AnyRequest, json_answer
from yingda.web.assets import static_file
from yingda.web.chat_door import add_cors_headers, house_of
from yingda.web.headers import add_security_headers
from yingda.web.stream import stream
from yingda.wiring import House

CHAT = [chat.preflight, chat.hello, chat.guest, chat.send_message, chat.shown, chat.lines, chat.conversations, chat.upload,
        chat.download, chat.save_transcript, stream]  # fmt: skip


@get("/.well-known/yingda-receipt-key.json")
async def receipt_key(request: AnyRequest) -> Response[bytes]:
    """The public keys that receipts are verified with, for anybody."""
    keys = await house_of(request).desk.read(public_keys)
    return json_answer(keys, headers={"Cache-Control": "public, max-age=300"})


def build_app(house: House, *, demo_allowed: bool) -> Litestar:
    """`demo_allowed`: whether demo accounts may sign in, which is so only when we listen on loopback."""
    assert isinstance(house.desk.chance, SystemChance), "a seeded generator never stands beside a listening server"
    return Litestar(
        route_handlers=[
            Router("/chat/{widget_key:str}", route_handlers=CHAT),
            receipt_key,
            health.health,
            static_file,
            pages.router,
            help.router,
            desk.router,
        ],
        state=State({"house": house, "desk": house.desk, "demo_allowed": demo_allowed}),
        exception_handlers=EXCEPTION_HANDLERS,
        before_send=[add_cors_headers, add_security_headers],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
