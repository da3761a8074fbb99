"""The request edge: every error becomes an answer that says what to do, in the reader's language; what logs read is apart."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from yingda import words
from yingda.db.errors import translated
from yingda.errors import Permanent, Refused, Temporary, YingdaError

log = logging.getLogger("yingda.web")

HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
SLOW_DOWN_SECONDS = 5

AnyRequest = Request[Any, Any, Any]


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=headers or {})


def language_of(request: AnyRequest) -> str:
    return words.language_for(request.query_params.get("language") or request.headers.get("accept-language"))


def error_answer(request: AnyRequest, code: str, where: str, status: int, retry_after: int | None = None) -> Response[bytes]:
    """{"error": {"code", "message", "where"}}"""
    language = language_of(request)
    key = f"error.{code}" if words.has(language, f"error.{code}") else "error.bad_request"
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    message = words.sentence(language, key, where=where)
    return json_answer({"error": {"code": code, "message": message, "where": where}}, status, headers)


def answer_own(request: AnyRequest, error: YingdaError) -> Response[bytes]:
    if isinstance(error, Refused):
        return error_answer(request, error.code, error.where, error.status, SLOW_DOWN_SECONDS if error.status == 429 else None)
    if isinstance(error, Temporary):
        log.warning("temporary: %s", error)
        return error_answer(request, error.code, "", 503, error.retry_after_seconds)
    assert isinstance(error, Permanent)
    log.error("permanent: %s", error)
    return error_answer(request, "internal", "", 500)


def answer_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refused before a handler ran: unknown address, wrong method, too large, malformed query."""
    code = HTTP_CODES.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    return error_answer(request, code, "", error.status_code)


def answer_unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    """The catch-all of the request edge: it records and shows. The record holds the type, not the words of a request."""
    try:
        with translated():
            raise error
    except YingdaError as own:
        return answer_own(request, own)
    except Exception:
        # Not the exception's own text: what the database says of a value quotes it.
        trace = "".join(traceback.format_tb(error.__traceback__))
        log.error("unexpected %s in %s\n%s", type(error).__name__, request.scope.get("path_template", ""), trace)
    return error_answer(request, "internal", "", 500)


EXCEPTION_HANDLERS: dict[Any, Any] = {YingdaError: answer_own, HTTPException: answer_http, Exception: answer_unexpected}
