"""Who is at the console: the session cookie, the check that a change comes from our own page, sign-in and sign-out."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from yingda import words
from yingda.errors import Refused
from yingda.people import agents
from yingda.people.viewer import AgentViewer
from yingda.web.chat_door import house_of
from yingda.web.render import page

COOKIE = "yingda_staff"
AnyRequest = Request[Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def session_cookie(request: AnyRequest, token: str, *, seconds: int) -> Cookie:
    """HttpOnly and SameSite=Strict always; Secure wherever the page came by TLS."""
    secure = request.url.scheme == "https"
    return Cookie(COOKIE, value=token, path="/desk", httponly=True, secure=secure, samesite="strict", max_age=seconds)


async def current_agent(request: AnyRequest) -> AgentViewer:
    """The agent of the session cookie. Refused signin_needed (401) without one."""
    token = request.cookies.get(COOKIE, "")
    desk, demo_allowed = house_of(request).desk, request.app.state.demo_allowed
    agent = await desk.read(lambda tx: agents.agent_of_session(tx, token, demo_allowed=demo_allowed)) if token else None
    if agent is None:
        raise Refused("signin_needed", status=401)
    return agent


async def same_origin(request: AnyRequest) -> None:
    """A `before_request` hook: a change must come from a page of this origin. Refused cross_site (403).

    Browsers say so in Sec-Fetch-Site, which no page can forge; older ones and other programs must name our own origin.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        trusted = site == "same-origin"
    else:
        trusted = urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host")
    if not trusted:
        raise Refused("cross_site", "Origin", status=403)


def _safe_next(wanted: str) -> str:
    """Where to go after sign-in: a page of the console, never an address somebody put into a link."""
    return wanted if wanted.startswith("/desk") and "//" not in wanted and "\\" not in wanted else "/desk"


@get("/sign-in")
async def show_sign_in(request: AnyRequest, next: FromQuery[str] = "/desk") -> Response[str]:
    return _form(request, next=next)


@post("/sign-in", status_code=303)
async def sign_in(request: AnyRequest, data: Form) -> Response[Any]:
    email, wanted = data.get("email", ""), _safe_next(data.get("next", "/desk"))
    address = request.client.host if request.client else ""
    try:
        token, _ = await agents.sign_in(
            house_of(request).desk, email, data.get("password", ""), address, demo_allowed=request.app.state.demo_allowed
        )
    except Refused as refused:
        return _form(request, next=wanted, email=email, refused=refused)
    cookie = session_cookie(request, token, seconds=agents.SESSION_LIFE_HOURS * 3600)
    return Redirect(wanted, status_code=303, cookies=[cookie])


@post("/sign-out", status_code=303)
async def sign_out(request: AnyRequest) -> Redirect:
    token = request.cookies.get(COOKIE, "")
    await house_of(request).desk.transaction(lambda tx: agents.sign_out(tx, token))
    return Redirect("/desk/sign-in", status_code=303, cookies=[session_cookie(request, "", seconds=0)])


def _form(request: AnyRequest, *, next: str, email: str = "", refused: Refused | None = None) -> Response[str]:
    language = words.language_for(request.query_params.get("language") or request.headers.get("accept-language"))
    said = words.sentence(language, f"error.{refused.code}", where=refused.where) if refused else ""
    return page(
        "desk/sign_in.html", language, next=_safe_next(next), email=email, said=said, status=refused.status if refused else 200
    )


router = Router("/", route_handlers=[show_sign_in, sign_in, sign_out])
