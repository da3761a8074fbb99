"""The public chat API, as docs/chat-api.md states it. Pages' handlers are few lines long: prove, parse, one door, answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response, get, post, route
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Stream

from yingda import words
from yingda.channels.chat.parse import BODY_BYTES_MAX, inbound_of, message_of, shown_of
from yingda.conversations import due, evidence, files, history, transcript
from yingda.conversations.policy import Policy
from yingda.db.desk import Tx
from yingda.errors import Refused
from yingda.people.guests import GUEST_LIFE_DAYS, admit_guest, guest_of_token
from yingda.people.viewer import CustomerViewer
from yingda.web.answers import json_answer, language_of
from yingda.web.chat_door import PREFLIGHT, asker, guest_cookie, house_of, refuse_foreign, whole_number
from yingda.web.headers import ATTACHMENT
from yingda.web.views import line_json, promise_json, received_json

AnyRequest = Request[Any, Any, Any]
FILE_BODY_BYTES_MAX = files.FILE_BYTES_MAX + 1
NUMBER_MAX = 2**62


# Named one by one: for a path that has other methods the framework answers OPTIONS by itself, and knows nothing of origins.
PREFLIGHTED = ["/hello", "/guest", "/messages", "/shown", "/lines", "/conversations", "/files", "/files/{file:str}",
               "/transcript", "/stream"]  # fmt: skip


@route(PREFLIGHTED, http_method="OPTIONS", status_code=200)
async def preflight(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """A browser asks whether the page may call. The headers come with every answer, see chat_door."""
    await refuse_foreign(request)
    return Response(b"", headers=PREFLIGHT)


@get("/hello")
async def hello(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """What a widget needs before anybody writes. No token."""
    house = house_of(request)
    await refuse_foreign(request)
    policy = await house.policies.present()
    language, now = language_of(request), house.desk.clock.now()
    is_open = due.is_open(policy.hours, now)
    limits = {"text_characters_max": 10_000, "file_bytes_max": files.FILE_BYTES_MAX, "files_max": files.FILES_PER_MESSAGE_MAX}
    return json_answer({
        "desk": policy.desk_name, "language": language, "open": is_open,
        "opens_at": None if is_open else due.next_open(policy.hours, now),
        "words": words.all_with_prefix(language, "widget."), "limits": limits,
    })  # fmt: skip


@post("/guest", request_max_body_size=BODY_BYTES_MAX)
async def guest(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """A token for somebody nobody has signed for. On the desk's own pages a cookie finds the same guest again."""
    house = house_of(request)
    account = await refuse_foreign(request)
    name = guest_cookie(account)
    held = request.cookies.get(name)
    if held is not None:
        try:
            _, expires = await house.desk.read(lambda tx: guest_of_token(tx, account.id, held))
            return json_answer({"token": held, "expires_at": expires}, 201)
        except Refused:
            pass  # expired or invented: a new one
    house.guest_limit.take(request.client.host if request.client else "")
    token, expires = await house.desk.transaction(lambda tx: admit_guest(tx, account.id))
    answer = json_answer({"token": token, "expires_at": expires}, 201)
    answer.cookies.append(Cookie(name, value=token, path=f"/chat/{widget_key}", httponly=True, samesite="strict",
                                 secure=request.url.scheme == "https", max_age=GUEST_LIFE_DAYS * 86400))  # fmt: skip
    return answer


@post("/messages", request_max_body_size=BODY_BYTES_MAX)
async def send_message(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """Hops 1 to 4: payload in, receipt out, one transaction between."""
    house = house_of(request)
    viewer, _ = await asker(request, widget_key)
    message = message_of(await request.body())
    house.message_limit.take((viewer.account_id, viewer.handle_kind, viewer.handle_value))
    refs = await house.desk.read(lambda tx: files.own_loose_files(tx, viewer, message.files)) if message.files else ()
    received = await house.reception.receive(inbound_of(viewer, message, refs))
    policy = await house.policies.present()
    body = received_json(received, message.message_id, house.signer.receipt(received), policy)
    return json_answer(body, 200 if received.repeated else 201)


@post("/shown", status_code=200, request_max_body_size=BODY_BYTES_MAX)
async def shown(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """The client's word that it shows the lines up to a number: the evidence of delivery."""
    house = house_of(request)
    viewer, _ = await asker(request, widget_key)
    said = shown_of(await request.body())
    policy = await house.policies.present()
    latest = await house.desk.transaction(lambda tx: evidence.acknowledge(tx, policy, viewer, said.conversation, said.shown_seq))
    return json_answer({"latest_shown_seq": latest})


@get("/lines")
async def lines(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """Lines after a number, of one conversation or of the newest."""
    house = house_of(request)
    viewer, _ = await asker(request, widget_key)
    number = whole_number(request, "conversation", 0, NUMBER_MAX)
    after = whole_number(request, "after", 0, NUMBER_MAX)
    limit = whole_number(request, "limit", 100, history.LINES_MAX)
    policy = await house.policies.present()
    return json_answer(await house.desk.read(lambda tx: _lines(tx, policy, viewer, number, (after, limit), language_of(request))))


async def _lines(
    tx: Tx, policy: Policy, viewer: CustomerViewer, number: int, span: tuple[int, int], language: str
) -> dict[str, Any]:
    """Lines first: what comes between the two reads is then announced by `more`, never left out."""
    chosen = number or await history.newest_of(tx, viewer)
    if chosen is None:
        return {
            "conversation": None,
            "number": None,
            "state": None,
            "lines": [],
            "latest_shown_seq": 0,
            "promise": None,
            "more": False,
        }
    after, limit = span
    found = await history.lines(tx, viewer, chosen, after=after, limit=limit)
    view = await history.conversation(tx, policy, viewer, chosen, language=language)
    last = (found[-1].shown_seq or after) if found else after
    return {
        "conversation": chosen,
        "number": str(chosen),
        "state": view.state,
        "lines": [line_json(line) for line in found],
        "latest_shown_seq": view.shown_seq,
        "promise": promise_json(view.promise),
        "more": view.shown_seq > last,
    }


@get("/conversations")
async def conversations(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    viewer, _ = await asker(request, widget_key)
    rows = await house_of(request).desk.read(lambda tx: history.earlier(tx, viewer))
    found = [
        {"conversation": r["id"], "number": str(r["id"]), "state": r["state"], "opened_at": r["opened_at"],
         "closed_at": r["closed_at"], "latest_shown_seq": r["shown_seq"]}
        for r in rows
    ]  # fmt: skip
    return json_answer({"conversations": found})


@post("/files", request_max_body_size=FILE_BODY_BYTES_MAX)
async def upload(request: AnyRequest, widget_key: FromPath[str]) -> Response[bytes]:
    """Raw bytes in; the name percent-encoded in X-File-Name; the type is found from the content."""
    house = house_of(request)
    viewer, _ = await asker(request, widget_key)
    house.message_limit.take((viewer.account_id, viewer.handle_kind, viewer.handle_value))
    try:
        name = unquote(request.headers.get("x-file-name", ""), errors="strict")
    except UnicodeDecodeError as error:
        raise Refused("file_name", "X-File-Name") from error
    data = await request.body()
    ref = await house.desk.transaction(lambda tx: files.keep_file(tx, viewer, name, data))
    return json_answer({"file": ref.id, "name": ref.name, "type": ref.type, "size": ref.size, "sha256": ref.sha256}, 201)


@get("/files/{file:str}")
async def download(request: AnyRequest, widget_key: FromPath[str], file: FromPath[str]) -> Response[bytes]:
    viewer, _ = await asker(request, widget_key)
    row = await house_of(request).desk.read(lambda tx: files.open_file(tx, viewer, file))
    return attachment(row["data"], row["name"], row["type"])


@get("/transcript")
async def save_transcript(request: AnyRequest, widget_key: FromPath[str]) -> Stream:
    """The whole conversation as text or HTML, streamed page by page."""
    house = house_of(request)
    viewer, _ = await asker(request, widget_key)
    form = request.query_params.get("format", "text")
    if form not in ("text", "html"):
        raise Refused("form_unknown", "format")
    number = whole_number(request, "conversation", 0, NUMBER_MAX)
    policy = await house.policies.present()
    language = language_of(request)
    view = await house.desk.read(lambda tx: history.conversation(tx, policy, viewer, number, language=language))
    heading = transcript.Heading(policy.desk_name, number, language, view.zone)
    suffix, kind = ("html", "text/html") if form == "html" else ("txt", "text/plain")
    headers = {**ATTACHMENT, "Content-Disposition": f'attachment; filename="yingda-{number}.{suffix}"'}
    return Stream(transcript.transcript(house.desk, viewer, heading, form), media_type=f"{kind}; charset=utf-8", headers=headers)


def attachment(data: bytes, name: str, media_type: str) -> Response[bytes]:
    """A customer's file: always saved, never opened on our origin, whatever it claims to be."""
    headers = {**ATTACHMENT, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    safe = media_type if media_type.startswith(("image/", "audio/", "video/", "application/pdf")) else "application/octet-stream"
    return Response(data, media_type=safe, headers=headers)
