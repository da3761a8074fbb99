"""The public pages: the front door, the full-page chat, and a page that shows the widget embedded."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from yingda.db.desk import Tx
from yingda.errors import Refused
from yingda.web.answers import language_of
from yingda.web.chat_door import house_of
from yingda.web.render import page

AnyRequest = Request[Any, Any, Any]


@get("/")
async def show_landing(request: AnyRequest) -> Response[str]:
    return page("landing.html", language_of(request), desk_name=await _desk_name(request))


@get("/chat")
async def show_chat(request: AnyRequest) -> Response[str]:
    """The desk's own chat page: the oldest chat account is the desk's own."""
    key, name = await _own_key(request), await _desk_name(request)
    return page("chat.html", language_of(request), desk_name=name, widget_key=key)


@get("/chat/embedded")
async def show_embedded(request: AnyRequest) -> Response[str]:
    """How the widget looks on somebody's page, with the two lines that put it there."""
    key = await _own_key(request)
    origin = str(request.base_url).rstrip("/")
    return page("embedded.html", language_of(request), widget_key=key, origin=origin)


async def _desk_name(request: AnyRequest) -> str:
    return (await house_of(request).policies.present()).desk_name


async def _own_key(request: AnyRequest) -> str:
    async def work(tx: Tx) -> str | None:
        return await tx.fetchval(  # type: ignore[no-any-return]
            "SELECT widget_key FROM channel_accounts WHERE channel = 'chat' ORDER BY id LIMIT 1"
        )

    key = await house_of(request).desk.read(work)
    if key is None:
        raise Refused("not_found", status=404)
    return key


router = Router("/", route_handlers=[show_landing, show_chat, show_embedded], include_in_schema=False)
