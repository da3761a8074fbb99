"""Faults that other desks had in public, on our server: A03 naughty strings, C01 the gap after a reconnect, F04 inline SVG.

Where each comes from, and what is right, stands in `tests/cases/<id>/expected.md`.
"""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from tests.web.api import Api
from tests.web.naughty import ALL

from yingda.conversations.history import PREVIEW_GRAPHEMES_MAX, queue

CASES = Path(__file__).parents[1] / "cases"
GIVEN = json.loads((CASES / "A03-naughty-strings" / "input.json").read_text("utf-8"))
SERVERS = [
    "%00%0a",
    "'; DROP TABLE lines; --",
    "$1 %s {0} {text}",
    "\\x00 \\u0000 \\",
    "\r\n\r\nHTTP/1.1 200 OK",
    "a" * 9_999,
    "\uffff\ufffe",
    "\U0010ffff",
    "\ue000",
    "\u0000\u0001",
    "\ud83d",
    "..%2f..%2fetc",
    "=cmd|' /C calc'!A0",
    "\u2066\u2067\u2068",
    "９９９",
]
NAUGHTY = list(dict.fromkeys([*GIVEN, *ALL, *SERVERS]))
CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A}


def expected(text: str) -> str:
    """The same code points, but for controls and halves of surrogate pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text if ord(c) not in CONTROLS)


class Markup(HTMLParser):
    """What could act on a page: handlers, and scripts that stand in it."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.acting += [name for name, _ in attrs if name.startswith("on")]
        if (tag == "script" and not dict(attrs).get("src")) or "javascript:" in (dict(attrs).get("href") or ""):
            self.acting.append(tag)


def test_a03_there_are_more_than_sixty_of_them():
    assert len(NAUGHTY) >= 60


def test_a03_as_a_message_every_one_is_stored_and_shown_as_the_same_code_points(api: Api):
    for text in NAUGHTY:
        token = api.token(api.somebody())
        answer = api.ask("POST", "messages", token, content=json.dumps({"message_id": "m", "text": text}).encode())
        if not expected(text).strip():
            assert answer.json()["error"]["code"] == "text_empty", repr(text)
            continue
        assert answer.status_code == 201, (text, answer.text)
        assert answer.json()["masked"] or answer.json()["lines"][0]["text"] == expected(text), repr(text)
        assert api.ask("GET", "lines", token).json()["lines"][0] == answer.json()["lines"][0]
        number = answer.json()["conversation"]
        for form in ("text", "html"):
            saved = api.ask("GET", f"transcript?conversation={number}&format={form}", token).text
            words = expected(answer.json()["lines"][0]["text"]).split("\n")[0].split("\u2028")[0]
            assert words in (unescape(saved) if form == "html" else saved), repr(text)


def test_a03_as_a_name_it_is_kept_apart_from_the_words_around_it(api: Api):
    cookie = api.sign_in("Bailu@desk.example")
    for place, text in enumerate(NAUGHTY):
        api.clock.ahead_seconds += 1
        name = text[:500].encode(errors="replace").decode()
        answer = api.send(api.token(api.somebody(), name=name), f"question {place}")
        assert answer.status_code == 201, repr(text)
        page = api.ask("GET", f"/desk/conversations/{answer.json()['conversation']}", headers=cookie)
        assert page.status_code == 200, repr(text)
        stored = api.read(
            "SELECT cu.name FROM customers cu JOIN conversations c ON c.customer_id = cu.id WHERE c.id = $1",
            answer.json()["conversation"],
        )
        assert len(stored) <= 120 and not any(ord(c) in CONTROLS for c in stored)
        seen = Markup()
        seen.feed(page.text)
        assert seen.acting == [] and f"<bdi>{stored}</bdi>" in unescape(page.text).replace(' class="clip"', ""), repr(text)


def test_a03_as_a_file_name_it_is_only_a_name_and_comes_back_whole(api: Api):
    for text in NAUGHTY:
        token = api.token(api.somebody())
        header = quote(text[:300].encode(errors="replace"), safe="")
        kept = api.ask("POST", "files", token, content=b"x", headers={"X-File-Name": header})
        assert kept.status_code == 201, (text, kept.text)
        name = kept.json()["name"]
        assert name and not set(name) & set('/\\:*?"<>|\u202e\u2066') and name not in (".", "..")
        disposition = api.ask("GET", f"files/{kept.json()['file']}", token).headers["content-disposition"]
        assert disposition.startswith("attachment; ") and unquote(disposition.split("''")[1]) == name


def test_a03_as_a_preview_it_is_short_and_on_one_line(api: Api):
    rows = api.run(api.stage.desk.read(lambda tx: queue(tx, api.stage.cast.guyu, limit=100)))
    assert len(rows) >= 60
    for row in rows:
        assert len(row.preview) <= PREVIEW_GRAPHEMES_MAX * 16 + 1 and "\n" not in row.preview


@pytest.mark.parametrize("away_seconds", [26, 600, 9 * 3600])
def test_c01_lines_after_n_are_exact_however_long_one_was_away(api: Api, away_seconds: int):
    subject = api.somebody()
    number = [api.send(api.token(subject), f"line {i}", f"m{i}").json()["conversation"] for i in range(20)][-1]
    api.clock.ahead_seconds += 60
    assert api.send(api.token(subject), "line 41", "m20").json()["latest_shown_seq"] == 42
    api.clock.ahead_seconds += away_seconds
    token = api.token(subject)
    missed = api.ask("GET", f"lines?conversation={number}&after=40", token).json()
    assert [line["shown_seq"] for line in missed["lines"]] == [41, 42] and missed["more"] is False
    heard = api.listen(f"stream?conversation={number}&after=40", token, lambda h: b"event: state" in h)
    assert [x for x in heard.decode().splitlines() if x.startswith("id:")] == ["id: 41", "id: 42"]


def test_c01_the_second_agent_is_warned_of_the_first_ones_reply(api: Api):
    number = api.send(api.token(api.somebody()), "钱呢").json()["conversation"]
    seen = api.read("SELECT seq FROM conversations WHERE id = $1", number)
    api.run(api.stage.answer(api.stage.cast.guyu, number, "在查"))
    lead = api.sign_in("夏至@desk.example")
    form = {"text": "我来回答", "key": "k1", "seen_through": str(seen), "after": "0"}
    answer = api.ask("POST", f"/desk/conversations/{number}/reply", data=form, headers=lead)
    assert answer.status_code == 409 and "我来回答" in answer.text and "在查" in answer.text, (
        "the draft stays, the reply is shown"
    )
    assert api.read("SELECT count(*) FROM deliveries WHERE conversation_id = $1", number) == 1


HOSTILE = {
    "input.svg": (CASES / "F04-svg-inline" / "input.svg").read_bytes(),
    "page.html": b"<!doctype html><script>document.title='pwned'</script>",
    "page.xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>1</script></html>',
    "bare.txt": b"<script>document.title='pwned'</script>",
    "photo.png": b"<svg xmlns='http://www.w3.org/2000/svg' onload='1'/>",
    "mail.mhtml": b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<script>1</script>",
    "script.pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_f04_what_a_customer_sent_is_saved_and_never_opened(api: Api, name: str):
    token = api.token(api.somebody())
    kept = api.ask(
        "POST", "files", token, content=HOSTILE[name], headers={"X-File-Name": name, "Content-Type": "image/png"}
    ).json()
    number = api.send(token, "", files=[kept["file"]]).json()["conversation"]
    cookie = api.sign_in("Bailu@desk.example")
    answers = [
        api.ask("GET", f"files/{kept['file']}", token),
        api.ask("GET", f"/desk/conversations/{number}/files/{kept['file']}", headers=cookie),
    ]
    for answer in answers:
        assert answer.content == HOSTILE[name]
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["content-type"] in ("application/octet-stream", "application/pdf")
        assert "set-cookie" not in answer.headers
