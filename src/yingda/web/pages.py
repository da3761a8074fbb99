"""The public pages: the front door, the full-page chat, and a page that shows the widget embedded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, get

from yingda.db.desk import Tx
from yingda.errors import Refused, Temporary, YingdaError
from yingda.web.answers import language_of
from yingda.web.chat_door import house_of
from yingda.web.desk_refusals import said_of
from yingda.web.render import page

AnyRequest = Request[Any, Any, Any]
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class OwnChat:
    """The desk's own chat: what its pages need."""

    desk_name: str
    widget_key: str


@get("/")
async def show_landing(request: AnyRequest) -> Response[str]:
    return page("landing.html", language_of(request), desk_name=(await own_chat(request)).desk_name)


@get("/chat")
async def show_chat(request: AnyRequest) -> Response[str]:
    own = await own_chat(request)
    return page("chat.html", language_of(request), desk_name=own.desk_name, widget_key=own.widget_key)


@get("/chat/embedded")
async def show_embedded(request: AnyRequest) -> Response[str]:
    """How the widget looks on somebody's page, with the two lines that put it there."""
    origin = str(request.base_url).rstrip("/")
    return page("embedded.html", language_of(request), widget_key=(await own_chat(request)).widget_key, origin=origin)


async def own_chat(request: AnyRequest) -> OwnChat:
    """The oldest chat account. Remembered, so that the page opens while the database is away: the widget keeps the words."""
    house, state = house_of(request), request.app.state
    try:
        key = await house.desk.read(_oldest_key)
        state.own_chat = OwnChat((await house.policies.present()).desk_name, key)
    except Temporary:
        if "own_chat" not in state:
            raise
    return state.own_chat  # type: ignore[no-any-return]


async def _oldest_key(tx: Tx) -> str:
    key = await tx.fetchval("SELECT widget_key FROM channel_accounts WHERE channel = 'chat' ORDER BY id LIMIT 1")
    if key is None:
        raise Refused("not_found", status=404)
    return key  # type: ignore[no-any-return]


def show_refusal(request: AnyRequest, error: YingdaError) -> Response[str]:
    """A page, not JSON, for a person who typed an address while the desk cannot answer."""
    status, headers = (error.status, {}) if isinstance(error, Refused) else (503, {"Retry-After": str(RETRY_SECONDS)})
    language = language_of(request)
    return page("refused.html", language, status=status, headers=headers, said=said_of(language, error))


router = Router(
    "/",
    route_handlers=[show_landing, show_chat, show_embedded],
    exception_handlers={Refused: show_refusal, Temporary: show_refusal},
    include_in_schema=False,
)
