"""What the console says when something was refused or the database is away: a page, or a notice that leaves drafts alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.response import Redirect

from yingda import words
from yingda.errors import Refused, Temporary, YingdaError
from yingda.web.render import page

AnyRequest = Request[Any, Any, Any]


def show_refusal(request: AnyRequest, error: YingdaError) -> Response[Any]:
    """The exception handler of the console's routes."""
    status = error.status if isinstance(error, Refused) else 503
    language = words.language_for(request.headers.get("accept-language"))
    if "hx-request" in request.headers:
        # Never leave the page because of a background request: there may be half a reply on it.
        return _notice(language, error, status)
    if error.code == "signin_needed":
        here = request.url.path if request.method == "GET" else "/desk"
        return Redirect(f"/desk/sign-in?next={quote(here)}", status_code=303)
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Temporary) else {}
    return page("desk/refused.html", language, status=status, headers=headers, said=said_of(language, error))


def said_of(language: str, error: YingdaError) -> str:
    """The sentence of an error; one without a sentence says that it was refused, and keeps its code for the log."""
    key = f"error.{error.code}"
    return words.sentence(language, key if words.has(language, key) else "error.internal", where=error.where)


def _notice(language: str, error: YingdaError, status: int) -> Response[str]:
    headers = {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
    signed_out = error.code == "signin_needed"
    said = said_of(language, error)
    return page("desk/_notice.html", language, status=status, headers=headers, said=said, signed_out=signed_out)
