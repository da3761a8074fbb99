"""How the chat API refuses: a code, a sentence in the reader's language that says what to do, and nothing stored or leaked."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.api import ORIGIN, Api

from yingda.errors import Temporary

BODY_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = 10 * 1024 * 1024


def assert_refused(api: Api, body: object, code: str, where: str | None = None, status: int = 400) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    token = api.token(api.somebody())
    answer = api.ask("POST", "messages", token, content=content)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    assert error.keys() == {"code", "message", "where"} and error["message"]
    if where is not None:
        assert error["where"] == where
    assert api.ask("GET", "lines", token).json()["conversation"] is None, "nothing is stored"


def padded(size: int) -> bytes:
    """A good message of exactly so many bytes."""
    head, tail = b'{"message_id":"m1","text":"hello"', b"}"
    return head + b" " * (size - len(head) - len(tail)) + tail


def test_a_body_of_64_kb_is_read_and_one_byte_more_is_not(api: Api):
    assert api.ask("POST", "messages", api.token(api.somebody()), content=padded(BODY_BYTES_MAX)).status_code == 201
    assert_refused(api, padded(BODY_BYTES_MAX + 1), "body_too_large", status=413)
    assert_refused(api, padded(BODY_BYTES_MAX * 4), "body_too_large", status=413)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"\xff\xfe{}",
        b'{"message_id":"m1","text":"\xff"}',
        '{"message_id":"m1","text":"好"}'.encode("gb18030"),
        b'{"message_id":"m1","text":"\\u12"}',
    ],
)
def test_what_is_not_utf8_json_is_refused(api: Api, body: bytes):
    assert_refused(api, body, "body_not_json", "body")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"text": 7}, "text"),
        ({"text": None}, "text"),
        ({"text": ["a"]}, "text"),
        ({"message_id": 1}, "message_id"),
        ({"files": "x"}, "files"),
        ({"files": [1]}, "files[0]"),
        ({"files": ["a\0"]}, "files[0]"),
        ({"files": ["../x"]}, "files[0]"),
        ({"zone": 8}, "zone"),
        ({"zone": "x" * 65}, "zone"),
        ({"language": "x" * 36}, "language"),
        ({"shown_seq": 1}, None),
        ({"extra": 1}, None),
        ({"Text": "x"}, None),
    ],
)
def test_a_wrong_or_unknown_field_is_named(api: Api, change: dict[str, object], where: str | None):
    assert_refused(api, {"message_id": "m1", "text": "hello", **change}, "field_wrong", where)


@pytest.mark.parametrize("body", [[], "x", 7, None, True, {}, {"text": "no id"}])
def test_a_body_that_is_no_message_is_refused(api: Api, body: object):
    assert_refused(api, body, "field_wrong")


def test_deep_nesting_is_refused_wherever_it_stands(api: Api):
    for depth in (500, 20_000):
        deep = b"[" * depth + b"]" * depth
        assert_refused(api, deep, "field_wrong")
        assert_refused(api, b'{"message_id":"m1","text":' + deep + b"}", "field_wrong", "text")
        token = api.token(api.somebody())
        for body in (b'{"message_id":"m1","x":' + deep + b"}", b'{"message_id":"m1","text":"x","files":' + deep + b"}"):
            assert api.ask("POST", "messages", token, content=body).status_code == 400


@pytest.mark.parametrize("message_id", ["a", "a" * 64, "A-z_09"])
def test_a_message_id_of_1_to_64_safe_characters_is_taken(api: Api, message_id: str):
    assert api.send(api.token(api.somebody()), message_id=message_id).json()["message_id"] == message_id


@pytest.mark.parametrize("message_id", ["", "a" * 65, "a b", "a/b", "ä", "a\n", "\0", "a.b", "消息", None])
def test_any_other_message_id_is_refused(api: Api, message_id: str | None):
    assert_refused(api, {"message_id": message_id, "text": "hello"}, "field_wrong", "message_id")


@pytest.mark.parametrize("text", ["", " ", "\n\t \u3000", "\0", "\x01\x02", "\u2028"])
def test_a_message_of_nothing_is_refused(api: Api, text: str):
    assert_refused(api, {"message_id": "m1", "text": text}, "text_empty", "text")


def test_ten_thousand_characters_are_taken_and_one_more_is_not(api: Api):
    for character in ("a", "字", "\U0001f600"):
        text = character * 10_000
        content = json.dumps({"message_id": "m1", "text": text}, ensure_ascii=False).encode()
        answer = api.ask("POST", "messages", api.token(api.somebody()), content=content)
        assert answer.json()["lines"][0]["text"] == text
        longer = json.dumps({"message_id": "m1", "text": text + character}, ensure_ascii=False).encode()
        assert_refused(api, longer, "text_too_long", "text")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a\0b", "ab"),
        ("a\x07\x1b[31mb\x85", "a[31mb"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("tab\there", "tab\there"),
        ("half \ud800 of", "half \ufffd of"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("whole \U0001f600", "whole \U0001f600"),
        ("\\ud800", "\\ud800"),
        ("\u202eabc\u200d\ufeff", "\u202eabc\u200d\ufeff"),
        ("  spaces stay  ", "  spaces stay  "),
    ],
)
def test_text_is_stored_as_the_same_code_points_but_for_controls_and_halves(api: Api, sent: str, stored: str):
    answer = api.ask(
        "POST", "messages", api.token(api.somebody()), content=json.dumps({"message_id": "m", "text": sent}).encode()
    )
    assert answer.json()["lines"][0]["text"] == stored, answer.text


def test_files_are_the_senders_own_unused_and_ten_at_most(api: Api):
    token, other = api.token(api.somebody()), api.token(api.somebody())
    mine = [api.ask("POST", "files", token, content=b"%d" % i).json()["file"] for i in range(11)]
    theirs = api.ask("POST", "files", other, content=b"theirs").json()["file"]
    for files, code in ([mine, "files_max"], [mine[:1] * 2, "files_max"], [[theirs], "file_unknown"], [["none"], "file_unknown"]):
        assert api.send(token, files=files).json()["error"]["code"] == code
    assert api.send(token, "", files=mine[:10]).status_code == 201
    used = api.send(token, message_id="m2", files=mine[:1])
    assert (used.status_code, used.json()["error"]["code"]) == (400, "file_unknown")
    assert len(api.ask("GET", "lines", token).json()["lines"]) == 2


def test_files_have_a_size_and_a_number(api: Api):
    token = api.token(api.somebody())
    assert api.ask("POST", "files", token, content=b"").json()["error"]["code"] == "file_empty"
    assert api.ask("POST", "files", token, content=b"x" * FILE_BYTES_MAX).status_code == 201
    for size in (FILE_BYTES_MAX + 1, FILE_BYTES_MAX + 2):
        answer = api.ask("POST", "files", token, content=b"x" * size)
        assert answer.status_code == 413 and answer.json()["error"]["code"] in ("file_too_large", "body_too_large")
    bad = api.ask("POST", "files", token, content=b"x", headers={"X-File-Name": "%ff%fe"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "file_name")


def test_loose_uploads_are_limited_and_say_when_to_try_again(api: Api):
    token = api.token(api.somebody())
    answers = []
    for _ in range(31):
        api.clock.ahead_seconds += 2  # not the limit of calls
        answers.append(api.ask("POST", "files", token, content=b"x"))
    assert [a.status_code for a in answers] == [201] * 30 + [429]
    assert answers[-1].json()["error"]["code"] == "files_waiting_max" and answers[-1].headers["retry-after"].isdigit()


def test_too_fast_slows_one_customer_and_nobody_else(api: Api):
    noisy, quiet = api.token(api.somebody()), api.token(api.somebody())
    answers = [api.send(noisy, "!", f"m{i}", headers={"Origin": ORIGIN}) for i in range(35)]
    codes = [a.status_code for a in answers]
    slowed = answers[-1]
    assert codes.count(201) >= 30 and slowed.status_code == 429
    assert slowed.headers["retry-after"].isdigit() and slowed.headers["access-control-allow-origin"] == ORIGIN
    assert "Retry-After" in slowed.headers["access-control-expose-headers"]
    assert api.send(quiet).status_code == 201, "the limit is the customer's, not the wallet key's"
    api.clock.ahead_seconds += 5
    assert api.send(noisy, "!", "later").status_code == 201


def test_a_busy_or_absent_database_is_503_with_retry_after_and_can_be_read_across_origins(api: Api, monkeypatch):
    async def away(*_: object) -> None:
        raise Temporary("database_away", retry_after_seconds=5)

    token = api.token(api.somebody())
    monkeypatch.setattr(api.house.reception, "receive", away)
    answer = api.send(token, headers={"Origin": ORIGIN, "Accept-Language": "zh-CN"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_away")
    assert answer.headers["retry-after"] == "5" and answer.headers["access-control-allow-origin"] == ORIGIN


def test_ids_of_other_customers_do_not_exist(api: Api):
    owner, other = api.token(api.somebody()), api.token(api.somebody())
    file = api.ask("POST", "files", owner, content=b"secret").json()["file"]
    number = api.send(owner, "mine", files=[file]).json()["conversation"]
    asked = [
        ("GET", "lines?conversation={}", None),
        ("GET", "stream?conversation={}", None),
        ("GET", "transcript?conversation={}", None),
        ("POST", "shown", {"conversation": number, "shown_seq": 1}),
    ]
    for method, path, body in asked:
        theirs = api.ask(method, path.format(number), other, json=body)
        nobodys = api.ask(method, path.format(number + 10**9), other, json={**body, "conversation": 10**12} if body else None)
        assert theirs.status_code == nobodys.status_code == 404 and theirs.content == nobodys.content
    assert api.ask("GET", f"files/{file}", other).content == api.ask("GET", "files/nonesuch", other).content


@pytest.mark.parametrize(
    "query",
    [
        "conversation=x",
        "after=-1",
        "limit=201",
        "limit=99999999999999999999",
        "after=1.0",
        "conversation=%00",
        "conversation=４２",
        "conversation=",
    ],
)
def test_numbers_in_addresses_are_numbers(api: Api, query: str):
    answer = api.ask("GET", f"lines?{query}", api.token("lin"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "number_wrong")
    assert answer.json()["error"]["where"] == query.split("=")[0]


def test_the_sentence_is_in_the_readers_language(api: Api):
    def message(headers: dict[str, str], query: str = "") -> str:
        return api.ask("GET", f"lines{query}", headers=headers).json()["error"]["message"]

    chinese, english = message({"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}), message({"Accept-Language": "en-US"})
    assert chinese != english and any("\u4e00" <= c <= "\u9fff" for c in chinese) and english.isascii()
    assert message({"Accept-Language": "en"}, "?language=zh-CN") == chinese
    assert message({"Accept-Language": "zh-TW"}) == chinese
    assert message({"Accept-Language": "fr"}) == message({}) == english


def test_an_unknown_address_and_a_wrong_method_say_so_in_json(api: Api):
    assert api.ask("GET", "nonsense").json()["error"]["code"] == "not_found"
    wrong = api.ask("DELETE", "messages")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["message_id", "text", "files", "language", "zone", "shown_seq", "conversation", "x"])
NEARLY = st.dictionaries(KEYS, JSON | st.text(alphabet="abc_-\0\ud800", max_size=70), max_size=6).map(json.dumps).map(str.encode)


@given(st.binary(max_size=300) | NEARLY, st.sampled_from(["messages", "shown"]))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_ever_fails_the_desk(api: Api, body: bytes, call: str):
    answer = api.ask("POST", call, api.token("fuzz"), content=body)
    assert answer.status_code in (200, 201, 400, 404, 409, 413, 429), answer.text
    assert answer.status_code in (200, 201) or answer.json()["error"]["message"]
    api.clock.ahead_seconds += 1
