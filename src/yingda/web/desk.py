"""The console: lists, one conversation, and the few things an agent does. Each route is a door's thin front.

With htmx a route answers the pieces that changed; without script it answers whole pages and redirects.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, PathParameter, QueryParameter
from litestar.response import Redirect, Stream

from yingda.conversations import assign, close, files
from yingda.conversations.reply import reply
from yingda.db.desk import Tx
from yingda.errors import Refused, Temporary
from yingda.jobs import shelf
from yingda.people.viewer import AgentViewer, require_lead
from yingda.web import signin
from yingda.web.chat import attachment
from yingda.web.chat_door import house_of
from yingda.web.desk_pages import Screen, conversation_page, list_page, list_piece, news, shelf_page
from yingda.web.desk_refusals import show_refusal
from yingda.web.desk_stream import DeskNews

AnyRequest = Request[Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Shown = NamedDependency[Screen]
View = Literal["queue", "mine", "lead"]
NUMBER_MAX = 2**63 - 1  # what the database's bigint holds
Number = Annotated[int, PathParameter(ge=0, le=NUMBER_MAX)]
Asked = Annotated[int, QueryParameter(ge=0, le=NUMBER_MAX)]


async def screen_of(request: AnyRequest, agent: NamedDependency[AgentViewer]) -> Screen:
    """Everything a page of the console needs to know of its reader."""
    house = house_of(request)
    return Screen(house.desk, await house.policies.present(), agent, "hx-request" in request.headers)


@get("/")
async def show_list(screen: Shown, view: FromQuery[View] = "queue", after: FromQuery[str] = "") -> Response[str]:
    return await list_page(screen, view, _position(after))


@get("/list")
async def show_list_piece(
    screen: Shown, view: FromQuery[View] = "queue", after: FromQuery[str] = "", current: Asked = 0
) -> Response[str]:
    return await list_piece(screen, view, _position(after), current)


@get("/conversations/{number:int}")
async def show_conversation(screen: Shown, number: Number, view: FromQuery[View] = "queue") -> Response[str]:
    return await conversation_page(screen, number, view)


@get("/conversations/{number:int}/news")
async def show_news(screen: Shown, number: Number, after: Asked = 0) -> Response[str]:
    """Only what changed after line `after`, as pieces that find their own place."""
    return await news(screen, number, after)


@post("/conversations/{number:int}/reply", status_code=200)
async def post_reply(screen: Shown, number: Number, data: Form) -> Response[Any]:
    after, seen = _number(data, "after", "0"), _number(data, "seen_through")

    async def work(tx: Tx) -> object:
        return await reply(tx, screen.agent, number, text=data.get("text", ""), seen_through=seen, key=data.get("key", ""))

    try:
        await screen.desk.transaction(work)
    except Refused as refused:
        if refused.status == 404:
            raise
        # Whatever the reason, the words stay in the field, under the same key.
        return await _answer(screen, number, after, refused=refused, draft=data)
    return await _answer(screen, number, after, fresh=True)


@post("/conversations/{number:int}/take", status_code=200)
async def post_take(screen: Shown, number: Number, data: Form) -> Response[Any]:
    await screen.desk.transaction(lambda tx: assign.take(tx, screen.agent, number))
    return await _answer(screen, number, _number(data, "after", "0"))


@post("/conversations/{number:int}/hand-back", status_code=200)
async def post_hand_back(screen: Shown, number: Number, data: Form) -> Response[Any]:
    await screen.desk.transaction(lambda tx: assign.hand_back(tx, screen.agent, number))
    return await _answer(screen, number, _number(data, "after", "0"))


@post("/conversations/{number:int}/close", status_code=200)
async def post_close(screen: Shown, number: Number, data: Form) -> Response[Any]:
    seen, reason = _number(data, "seen_through"), data.get("reason", "")
    try:
        await screen.desk.transaction(
            lambda tx: close.close(tx, screen.policy, screen.agent, number, reason=reason, seen_through=seen)
        )
    except Refused as refused:
        if refused.status == 404:
            raise
        return await _answer(screen, number, _number(data, "after", "0"), refused=refused)
    return await _answer(screen, number, _number(data, "after", "0"), fresh=True)


async def _answer(screen: Screen, number: int, after: int, *, refused: Refused | None = None,
                  draft: dict[str, str] | None = None, fresh: bool = False) -> Response[Any]:  # fmt: skip
    if screen.htmx:
        return await news(screen, number, after, refused=refused, draft=draft, fresh=fresh)
    if refused is not None:
        return await conversation_page(screen, number, "queue", refused=refused, draft=draft)
    return Redirect(f"/desk/conversations/{number}", status_code=303)


@get("/conversations/{number:int}/files/{file:str}")
async def show_file(screen: Shown, number: Number, file: FromPath[str]) -> Response[bytes]:
    row = await screen.desk.read(lambda tx: files.open_file(tx, screen.agent, file))
    return attachment(row["data"], row["name"], row["type"])


@get("/shelf")
async def show_shelf(screen: Shown) -> Response[str]:
    require_lead(screen.agent)
    return await shelf_page(screen)


@post("/shelf/{job:int}/retry", status_code=303)
async def post_retry(screen: Shown, job: Number) -> Redirect:
    require_lead(screen.agent)
    await screen.desk.transaction(lambda tx: shelf.retry(tx, job))
    return Redirect("/desk/shelf", status_code=303)


@get("/stream")
async def show_stream(request: AnyRequest, agent: NamedDependency[AgentViewer]) -> Stream:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(news_of(request.app).stream(), media_type="text/event-stream", headers=headers)


def news_of(app: Any) -> DeskNews:
    """The application's one DeskNews, made at the first wish so that building the application needs no order."""
    if "desk_news" not in app.state:
        desk = app.state.house.desk
        app.state.desk_news = DeskNews(desk.wakes, desk.clock)
    return app.state.desk_news  # type: ignore[no-any-return]


def _number(data: dict[str, str], name: str, otherwise: str = "") -> int:
    value = data.get(name, otherwise)
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise Refused("number_wrong", name)
    return int(value)


def _position(after: str) -> tuple[datetime | None, int] | None:
    """`ISO~NUMBER` as the link to the next page carries it."""
    if not after:
        return None
    at, _, number = after.rpartition("~")
    try:
        position = (datetime.fromisoformat(at) if at else None), int(number)
    except ValueError:
        raise Refused("field_wrong", "after") from None
    if not 0 <= position[1] <= NUMBER_MAX or (position[0] is not None and position[0].tzinfo is None):
        raise Refused("field_wrong", "after")
    return position


_SIGNED_IN = Router(
    "/",
    route_handlers=[show_list, show_list_piece, show_conversation, show_news, post_reply, post_take, post_hand_back, post_close,
                    show_file, show_shelf, post_retry, show_stream],
    dependencies={"agent": Provide(signin.current_agent), "screen": Provide(screen_of)},
)  # fmt: skip

router = Router(
    "/desk",
    route_handlers=[_SIGNED_IN, signin.router],
    before_request=signin.same_origin,
    exception_handlers={Refused: show_refusal, Temporary: show_refusal},
    include_in_schema=False,
)
