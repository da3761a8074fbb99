"""What every call of the chat API shares: whose page asks, who asks, and how a browser of another origin is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from yingda.channels.chat.inbound import origin_allowed
from yingda.errors import Refused
from yingda.people.accounts import Account
from yingda.people.viewer import CustomerViewer
from yingda.wiring import House

AnyRequest = Request[Any, Any, Any]
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-File-Name, Accept-Language",
    "Access-Control-Max-Age": "600",
}
ALLOWED_ORIGIN = "yingda_allowed_origin"


def house_of(request: AnyRequest) -> House:
    return cast(House, request.app.state.house)


def guest_cookie(account: Account) -> str:
    return f"yingda_guest_{account.id}"


async def refuse_foreign(request: AnyRequest) -> Account:
    """The account of the widget key, if the asking page's origin may call it. Refused origin_not_allowed (403)."""
    account = await house_of(request).accounts.by_widget_key(request.path_params["widget_key"])
    origin = request.headers.get("origin")
    if not origin_allowed(account, origin, request.headers.get("host")):
        raise Refused("origin_not_allowed", "Origin", status=403)
    if origin is not None:
        request.scope.setdefault("state", {})[ALLOWED_ORIGIN] = origin
    return account


async def asker(request: AnyRequest, widget_key: str) -> tuple[CustomerViewer, datetime]:
    """Who asks, proven, and until when. Everything a handler reads goes through this viewer."""
    account = await refuse_foreign(request)
    return await house_of(request).doorkeeper.viewer(account, request.headers.get("authorization"))


async def add_cors_headers(message: Message, scope: Scope) -> None:
    """A `before_send` hook: an allowed origin may read the answer, errors too. Cookies never cross origins."""
    if message["type"] != "http.response.start":
        return
    origin = scope.get("state", {}).get(ALLOWED_ORIGIN)
    if origin is None:
        return
    headers = MutableScopeHeaders.from_message(message)
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Expose-Headers"] = "Retry-After"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    headers.setdefault("Vary", "Origin")


def whole_number(request: AnyRequest, name: str, otherwise: int, most: int) -> int:
    """A query parameter as a number from 0 to `most`. Refused number_wrong."""
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > most:
        raise Refused("number_wrong", name)
    return int(text)
