"""The console without a browser: who gets in, what a foreign page can do, and what every answer carries."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from tests.web.running import RunningDesk

from yingda.conversations.files import keep_file
from yingda.web.assets import assets

PAGES = ("/desk", "/desk/list", "/desk/shelf", "/desk/conversations/10001", "/desk/conversations/10001/news", "/desk/stream")
WIDGET_BYTES_MAX = 21_000  # all that a customer's phone loads, as it travels; this may only shrink
CHANGES = ("reply", "take", "hand-back", "close")


@pytest.fixture
def visitor(desk: RunningDesk):
    with httpx.Client(base_url=desk.url, headers={"Accept-Language": "en"}) as client:
        yield client


def sign_in(client: httpx.Client, desk: RunningDesk, name: str = "Bailu") -> None:
    answer = client.post("/desk/sign-in", data={"email": f"{name}@desk.example", "password": desk.password}, headers=own(client))
    assert answer.status_code == 303, answer.text


def own(client: httpx.Client) -> dict[str, str]:
    return {"Origin": str(client.base_url).rstrip("/")}


def test_nobody_sees_a_page_of_the_console_without_signing_in(visitor: httpx.Client, desk: RunningDesk) -> None:
    for path in PAGES:
        answer = visitor.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/desk/sign-in?next=/desk")
        assert visitor.get(path, headers={"HX-Request": "true"}).status_code == 401
    for change in CHANGES:
        assert visitor.post(f"/desk/conversations/10001/{change}", data={}, headers=own(visitor)).status_code == 303


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(visitor: httpx.Client, desk: RunningDesk) -> None:
    answer = visitor.post("/desk/sign-in", data={"email": "Bailu@desk.example", "password": desk.password}, headers=own(visitor))
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/desk" in cookie
    assert "secure" not in cookie, "by plain http on loopback it would never come back"
    token = answer.cookies["yingda_staff"]
    assert desk.value("SELECT count(*) FROM staff_sessions WHERE token_hash = $1", token.encode()) == 0, "only a hash is stored"
    assert visitor.get("/desk").status_code == 200
    assert visitor.post("/desk/sign-out", headers=own(visitor)).status_code == 303
    assert visitor.get("/desk").status_code == 303
    visitor.cookies.set("yingda_staff", token)
    assert visitor.get("/desk").status_code == 303, "signed out means for everybody who has the cookie"


FOREIGN = (
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
)


def test_a_change_from_another_site_is_refused(visitor: httpx.Client, desk: RunningDesk) -> None:
    sign_in(visitor, desk)
    number = desk.run(desk.stage.write(desk.cast.maya, "Is it gone?")).conversation
    data = {"text": "hello", "seen_through": "3", "key": "k", "reason": "spam"}
    for headers in FOREIGN:
        for change in CHANGES:
            assert visitor.post(f"/desk/conversations/{number}/{change}", data=data, headers=headers).status_code == 403, headers
        assert visitor.post("/desk/sign-in", data={}, headers=headers).status_code == 403, headers
    assert desk.value("SELECT state || coalesce(assignee_id::text, '') FROM conversations") == "open"


def test_sign_in_leads_nowhere_but_to_the_console(visitor: httpx.Client, desk: RunningDesk) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example", "/desk//evil.example", "/chat", "javascript:x"):
        data = {"email": "Bailu@desk.example", "password": desk.password, "next": wanted}
        answer = visitor.post("/desk/sign-in", data=data, headers=own(visitor))
        assert answer.headers["location"] == "/desk", wanted


def test_a_customers_file_is_saved_by_the_agent_and_opens_nowhere(visitor: httpx.Client, desk: RunningDesk) -> None:
    """Case F04: an SVG with script, asked for by the address of our own origin, with the cookie."""
    svg = (Path(__file__).parents[1] / "cases/F04-svg-inline/input.svg").read_bytes()
    maya = desk.cast.maya
    ref = desk.run(desk.stage.desk.transaction(lambda tx: keep_file(tx, maya, "kitten.svg", svg)))
    number = desk.run(desk.stage.write(maya, "look", files=(ref,))).conversation
    at = f"/desk/conversations/{number}/files/{ref.id}"
    assert visitor.get(at).status_code == 303, "not for nobody"
    sign_in(visitor, desk)
    assert at in visitor.get(f"/desk/conversations/{number}").text
    answer = visitor.get(at)
    assert answer.content == svg
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_leads_list_and_the_shelf_are_for_leads(visitor: httpx.Client, desk: RunningDesk) -> None:
    sign_in(visitor, desk)
    for path in ("/desk/shelf", "/desk?view=lead", "/desk/list?view=lead"):
        assert visitor.get(path).status_code == 404, path
    assert visitor.post("/desk/shelf/1/retry", headers=own(visitor)).status_code == 404
    assert "/desk/shelf" not in visitor.get("/desk").text
    sign_in(visitor, desk, "夏至")
    for path in ("/desk/shelf", "/desk?view=lead"):
        assert visitor.get(path).status_code == 200, path


def test_a_failed_job_is_seen_and_put_back_by_a_lead(visitor: httpx.Client, desk: RunningDesk) -> None:
    put = (
        "INSERT INTO jobs (kind, args, failed_at, error, attempts)"
        " VALUES ('deliver', '{}', desk_now(), 'timeout <b>', 9) RETURNING id"
    )
    job = desk.run(desk.stage.desk.transaction(lambda tx: tx.fetchval(put)))
    sign_in(visitor, desk, "夏至")
    page = visitor.get("/desk/shelf").text
    assert f"#{job} deliver" in page
    assert "timeout &lt;b&gt;" in page
    assert visitor.post(f"/desk/shelf/{job}/retry", headers=own(visitor)).status_code == 303


def test_the_console_works_without_script(visitor: httpx.Client, desk: RunningDesk) -> None:
    """Whole pages and redirects: take, reply, a refusal that keeps the words, close."""
    received = desk.run(desk.stage.write(desk.cast.maya, "Is it gone?"))
    sign_in(visitor, desk)
    at = f"/desk/conversations/{received.conversation}"
    assert "Is it gone?" in visitor.get("/desk").text
    assert visitor.post(f"{at}/take", data={}, headers=own(visitor)).headers["location"] == at
    page = visitor.get(at).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page.split("data-composer")[1]))
    desk.run(desk.stage.write(desk.cast.maya, "Hello?"))
    answer = visitor.post(f"{at}/reply", data={**fields, "text": "It is on its way & safe"}, headers=own(visitor))
    assert answer.status_code == 409
    assert "It is on its way &amp; safe</textarea>" in answer.text
    assert "Hello?" in answer.text
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', answer.text.split("data-composer")[1]))
    assert again["key"] == fields["key"]
    for _ in range(2):  # a form posted twice writes once
        sent = visitor.post(f"{at}/reply", data={**again, "text": "It is on its way & safe"}, headers=own(visitor))
        assert sent.headers["location"] == at
    assert desk.value("SELECT count(*) FROM lines WHERE kind = 'reply'") == 1
    refused = visitor.post(f"{at}/close", data={"reason": "answered", "seen_through": "99"}, headers=own(visitor))
    assert refused.status_code == 409


def test_a_number_that_is_nobodys_and_a_field_that_is_no_number_are_said_plainly(
    visitor: httpx.Client, desk: RunningDesk
) -> None:
    sign_in(visitor, desk)
    assert visitor.get("/desk/conversations/999999").status_code == 404
    assert visitor.get("/desk/conversations/9999999999999999999999").status_code in (400, 404)
    for after in ("nonsense", "~x", f"~{2**70}", "2026-01-01T00:00:00~1", "~-1"):
        assert visitor.get("/desk", params={"after": after}).status_code == 400, after
    assert visitor.get("/desk?view=everything").status_code == 400
    number = desk.run(desk.stage.write(desk.cast.maya, "x")).conversation
    answer = visitor.post(
        f"/desk/conversations/{number}/reply", data={"text": "x", "seen_through": "-1", "key": "k"}, headers=own(visitor)
    )
    assert answer.status_code == 400


def test_every_answer_carries_the_policy_and_no_page_holds_script_or_style(visitor: httpx.Client, desk: RunningDesk) -> None:
    number = desk.run(desk.stage.write(desk.cast.maya, "x")).conversation
    paths = ["/", "/chat", "/chat/embedded", "/desk/sign-in", "/nowhere", "/health", "/static/widget.js"]
    signed = ["/desk", f"/desk/conversations/{number}", "/desk/conversations/1"]
    answers = [visitor.get(path) for path in paths]
    sign_in(visitor, desk)
    answers += [visitor.get(path) for path in signed]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, answer.url
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        if answer.headers["content-type"].startswith("text/html"):
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", answer.text), answer.url


def test_static_files_are_small_and_cached_for_good_under_their_digest(visitor: httpx.Client, desk: RunningDesk) -> None:
    page = visitor.get("/chat").text
    (lasting,) = re.findall(r'src="(/static/[0-9a-f]{12}/widget\.js)"', page)
    answer = visitor.get(lasting)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"
    plain = visitor.get("/static/widget.js")
    assert plain.headers["cache-control"] == "public, no-cache"
    assert visitor.get("/static/widget.js", headers={"If-None-Match": plain.headers["etag"]}).status_code == 304
    own = ("widget", "api", "outbox", "live", "thread", "composer", "dom", "words", "keys")
    sizes = [len(assets()[name].zipped or b"") for name in (*(f"{name}.js" for name in own), "widget.css")]
    assert sum(sizes) <= WIDGET_BYTES_MAX, sizes
    for path in ("/static/../signin.py", "/static/%2e%2e/signin.py", "/static/nothing.js", "/static/"):
        assert visitor.get(path).status_code == 404, path
