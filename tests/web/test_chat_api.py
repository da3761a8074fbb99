"""Every call of docs/chat-api.md, as a wallet's app makes it."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from datetime import datetime

import pytest
from tests.web.api import ORIGIN, Api

from yingda.trust.receipt import parse_public_keys, verify

LINE = {"shown_seq", "at", "kind", "code", "params", "author", "text", "message_id", "files"}
RECEIPT = {
    "version",
    "desk",
    "number",
    "conversation",
    "seq",
    "message_hash",
    "salt",
    "received_at",
    "owner",
    "due",
    "key",
    "signature",
}


def test_hello_says_what_a_widget_needs_in_the_language_asked_for(api: Api):
    chinese = api.ask("GET", "hello?language=zh-CN").json()
    english = api.ask("GET", "hello", headers={"Accept-Language": "en-GB,en;q=0.8"}).json()
    assert (chinese["language"], english["language"]) == ("zh-CN", "en")
    assert chinese["open"] is True and chinese["opens_at"] is None
    assert chinese["limits"] == {"text_characters_max": 10_000, "file_bytes_max": 10 * 1024 * 1024, "files_max": 10}
    assert chinese["words"].keys() == english["words"].keys() and chinese["words"] != english["words"]


def test_hello_of_a_closed_desk_says_when_it_opens(api: Api):
    weekly = {"hours": {"zone": "Asia/Shanghai", "weekly": {"mon": [["09:00", "09:01"]]}, "calendar": None, "exceptions": []}}
    before = api.read("SELECT hours FROM desk")
    api.write("UPDATE desk SET hours = $1", weekly["hours"])
    api.clock.ahead_seconds += 11  # the policy is believed for ten seconds
    said = api.ask("GET", "hello").json()
    api.write("UPDATE desk SET hours = $1", before)
    api.clock.ahead_seconds += 11
    if not said["open"]:
        opens = datetime.fromisoformat(said["opens_at"])
        assert opens > api.clock.now() and (opens.utctimetuple().tm_hour, opens.minute) == (1, 0)
    assert api.ask("GET", "hello").json()["open"] is True


def test_an_unknown_widget_key_opens_nothing(api: Api):
    for key in ("wk_nobody", "%00", "%ff", "x" * 500):
        answer = api.ask("GET", f"/chat/{key}/hello")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "widget_key_unknown"), key


@pytest.mark.parametrize(("language", "text"), [("zh-CN", "我转的钱还没到"), ("en", "My transfer has not arrived")])
def test_a_message_is_answered_by_its_receipt_and_stands_in_the_lines(api: Api, language: str, text: str):
    token = api.token(api.somebody())
    answer = api.send(token, text, language=language, zone="Asia/Shanghai")
    body = answer.json()
    assert answer.status_code == 201
    assert body.keys() == {
        "message_id",
        "conversation",
        "number",
        "seq",
        "shown_seq",
        "latest_shown_seq",
        "masked",
        "lines",
        "receipt",
        "promise",
    }
    assert (body["message_id"], body["number"], body["masked"]) == ("m1", str(body["conversation"]), [])
    message, receipt = body["lines"]
    assert message.keys() >= LINE and (message["text"], message["message_id"], message["kind"]) == (text, "m1", "message")
    assert (receipt["kind"], receipt["code"], receipt["author"]["kind"]) == ("system", "receipt", "desk")
    assert body["number"] in receipt["text"] and body["promise"]["owner"] in receipt["text"]
    assert body["promise"].keys() == {"owner", "due", "late"} and body["promise"]["late"] is False
    read = api.ask("GET", f"lines?conversation={body['conversation']}&language={language}", token).json()
    assert read["lines"] == body["lines"] and read["promise"] == body["promise"]
    assert (read["state"], read["latest_shown_seq"], read["more"]) == ("open", 2, False)


def test_the_receipt_verifies_with_the_published_key_and_commits_to_the_words(api: Api):
    text = "转账 100 元没到"
    receipt = api.send(api.token(api.somebody()), text).json()["receipt"]
    assert receipt.keys() == RECEIPT
    published = api.ask("GET", "/.well-known/yingda-receipt-key.json").json()
    assert receipt["desk"] == published["desk"]
    assert verify(receipt, parse_public_keys(published)) is None
    salt = urlsafe_b64decode(receipt["salt"] + "==")
    assert hashlib.sha256(salt + text.encode()).hexdigest() == receipt["message_hash"]


def test_the_same_message_again_is_the_same_receipt_and_other_words_are_a_conflict(api: Api):
    token = api.token(api.somebody())
    first = api.send(token, "卡丢了", "same")
    again = api.send(token, "卡丢了", "same")
    assert (first.status_code, again.status_code) == (201, 200)
    assert json.dumps(again.json()["receipt"]) == json.dumps(first.json()["receipt"])
    assert again.json()["lines"] == first.json()["lines"]
    other = api.send(token, "别的话", "same")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "message_id_reused")
    assert len(api.ask("GET", "lines", token).json()["lines"]) == 2


def test_the_same_id_with_other_files_is_a_conflict_too(api: Api):
    token = api.token(api.somebody())
    one, two = (api.ask("POST", "files", token, content=data).json()["file"] for data in (b"one", b"two"))
    assert api.send(token, "see", "m", files=[one]).status_code == 201
    assert api.send(token, "see", "m", files=[one]).status_code == 200
    for files in ([two], [], [one, two]):
        assert api.send(token, "see", "m", files=files).json()["error"]["code"] == "message_id_reused", files


def test_lines_come_page_by_page_and_say_exactly_when_there_are_more(api: Api):
    token = api.token(api.somebody())
    number = {api.send(token, f"line {i}", f"m{i}").json()["conversation"] for i in range(3)}.pop()
    read, after = [], 0
    while True:
        page = api.ask("GET", f"lines?conversation={number}&after={after}&limit=2", token).json()
        read += [line["shown_seq"] for line in page["lines"]]
        after = read[-1]
        if not page["more"]:
            break
    assert read == [1, 2, 3, 4, 5, 6]
    assert api.ask("GET", f"lines?after=6&conversation={number}", token).json()["more"] is False
    assert api.ask("GET", f"lines?after=99&conversation={number}", token).json()["lines"] == []


def test_somebody_who_never_wrote_has_no_lines_and_no_conversations(api: Api):
    token = api.token(api.somebody())
    assert api.ask("GET", "lines", token).json() == {
        "conversation": None,
        "number": None,
        "state": None,
        "lines": [],
        "latest_shown_seq": 0,
        "promise": None,
        "more": False,
    }
    assert api.ask("GET", "conversations", token).json() == {"conversations": []}


def test_conversations_are_listed_newest_first_whatever_their_numbers(api: Api):
    """Numbers are drawn ahead in blocks, so with two processes a younger conversation may have a smaller number."""
    subject = api.somebody()
    token = api.token(subject)
    first = api.send(token, "one", "m1").json()["conversation"]
    api.write("UPDATE conversations SET state = 'closed', closed_at = desk_now() WHERE id = $1", first)
    second = api.send(token, "two", "m2").json()["conversation"]
    api.write("UPDATE conversations SET opened_at = opened_at + interval '1 hour' WHERE id = $1", first)
    listed = api.ask("GET", "conversations", token).json()["conversations"]
    assert [c["conversation"] for c in listed] == [first, second]
    assert listed[0].keys() == {"conversation", "number", "state", "opened_at", "closed_at", "latest_shown_seq"}
    assert [c["state"] for c in listed] == ["closed", "open"]
    assert api.ask("GET", "lines", token).json()["conversation"] == first


def test_shown_is_evidence_and_never_goes_back(api: Api):
    token = api.token(api.somebody())
    number = api.send(token).json()["conversation"]
    for shown_seq in (2, 1, 2):
        answer = api.ask("POST", "shown", token, json={"conversation": number, "shown_seq": shown_seq})
        assert (answer.status_code, answer.json()) == (200, {"latest_shown_seq": 2})
        assert api.read("SELECT seen_shown_seq FROM conversations WHERE id = $1", number) == 2
    beyond = api.ask("POST", "shown", token, json={"conversation": number, "shown_seq": 3})
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (400, "shown_seq_unknown")


def test_a_stream_gives_what_was_missed_then_what_comes(api: Api):
    token = api.token(api.somebody())
    number = api.send(token, "one").json()["conversation"]
    heard = api.listen(f"stream?conversation={number}&after=1", token, lambda h: b"event: state" in h)
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in heard.decode().strip().split("\n\n")]
    assert [b["event"] for b in blocks] == ["line", "state"]
    assert (blocks[0]["id"], json.loads(blocks[0]["data"])["code"]) == ("2", "receipt")
    assert json.loads(blocks[1]["data"]).keys() == {"latest_shown_seq", "promise", "state"}


def test_a_guest_gets_a_token_that_writes_and_a_cookie_that_finds_it_again(api: Api):
    made = api.ask("POST", "guest")
    assert made.status_code == 201 and made.json().keys() == {"token", "expires_at"}
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and f"Path={api.chat}" in cookie
    assert api.send(made.json()["token"], "在吗").status_code == 201
    again = api.ask("POST", "guest", headers={"Cookie": cookie.split(";")[0]})
    assert again.json() == made.json()
    api.client.cookies.clear()
    assert api.ask("POST", "guest").json()["token"] != made.json()["token"]
    api.client.cookies.clear()
    invented = api.ask("POST", "guest", headers={"Cookie": cookie.split("=")[0] + "=g_invented"})
    assert invented.status_code == 201 and invented.json()["token"] != "g_invented"
    api.client.cookies.clear()


def test_a_file_goes_up_with_a_message_and_comes_back_as_an_attachment(api: Api):
    token = api.token(api.somebody())
    data = b"\x89PNG\r\n\x1a\n" + bytes(64)
    kept = api.ask("POST", "files", token, content=data, headers={"X-File-Name": "%E6%88%AA%E5%9B%BE.png"})
    assert kept.status_code == 201
    assert kept.json() == {
        "file": kept.json()["file"],
        "name": "截图.png",
        "type": "image/png",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    sent = api.send(token, "", files=[kept.json()["file"]]).json()
    assert sent["lines"][0]["files"] == [{k: kept.json()[k] for k in ("file", "name", "type", "size")}]
    assert sent["lines"] == api.ask("GET", "lines", token).json()["lines"]
    back = api.ask("GET", f"files/{kept.json()['file']}", token)
    assert back.content == data and back.headers["content-type"] == "image/png"
    assert back.headers["content-disposition"] == "attachment; filename*=UTF-8''%E6%88%AA%E5%9B%BE.png"


@pytest.mark.parametrize("form", ["text", "html"])
def test_the_transcript_can_be_saved_at_any_moment(api: Api, form: str):
    token = api.token(api.somebody())
    number = api.send(token, "钱呢 <b>", language="zh-CN", zone="Asia/Shanghai").json()["conversation"]
    saved = api.ask("GET", f"transcript?conversation={number}&format={form}&language=zh-CN", token)
    assert saved.status_code == 200 and saved.headers["content-disposition"].startswith("attachment;")
    assert ("钱呢 &lt;b&gt;" if form == "html" else "钱呢 <b>") in saved.text and str(number) in saved.text
    wrong = api.ask("GET", f"transcript?conversation={number}&format=pdf", token)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "form_unknown")


def test_an_allowed_page_may_read_every_answer_and_a_foreign_one_none(api: Api):
    token = api.token(api.somebody())
    calls = [
        ("GET", "hello", None),
        ("POST", "guest", None),
        ("GET", "lines", token),
        ("GET", "conversations", token),
        ("GET", "files/none", token),
        ("GET", "lines", None),
        ("POST", "messages", token),
        ("POST", "shown", token),
        ("POST", "files", token),
        ("GET", "transcript?conversation=1", token),
        ("GET", "stream?conversation=1", token),
    ]
    for method, path, who in calls:
        allowed = api.ask(method, path, who, headers={"Origin": ORIGIN})
        assert allowed.headers["access-control-allow-origin"] == ORIGIN, (method, path, allowed.status_code)
        assert allowed.headers["vary"] == "Origin" and allowed.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "access-control-allow-credentials" not in allowed.headers
        foreign = api.ask(method, path, who, headers={"Origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "origin_not_allowed"), path
        assert "access-control-allow-origin" not in foreign.headers
    own = api.ask("GET", "hello", headers={"Origin": "http://desk.test"})
    assert own.status_code == 200
    api.client.cookies.clear()


def test_a_preflight_is_answered_for_every_call(api: Api):
    prefix = "/chat/{widget_key:str}/"
    paths = {route.path.removeprefix(prefix) for route in api.app.routes if route.path.startswith(prefix)}
    assert len(paths) == 10
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for path in paths:
        concrete = path.replace("{file:str}", "x")
        yes = api.ask("OPTIONS", concrete, headers=asked)
        assert yes.status_code == 200 and yes.headers["access-control-allow-origin"] == ORIGIN, path
        assert "Authorization" in yes.headers["access-control-allow-headers"]
        assert "POST" in yes.headers["access-control-allow-methods"]
        no = api.ask("OPTIONS", concrete, headers={**asked, "Origin": "https://evil.example"})
        assert no.status_code == 403 and "access-control-allow-origin" not in no.headers
