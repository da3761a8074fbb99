"""`yingda receipt verify`, as other programs call it: one object, an exit code, and no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.trust.test_receipt import RECEIPT, changed, signer

from yingda import __main__ as program
from yingda.trust.receipt import b64

PUBLISHED = {"desk": "desk-1", "keys": [{"kid": signer().kid, "algorithm": "Ed25519", "public_key": b64(signer().public_bytes)}]}
CONTRACT = {"valid", "number", "owner", "due", "message_hash", "reason"}


@pytest.fixture
def say(tmp_path: Path, monkeypatch, capsys):
    def run(content: object, *more: str, key: object = PUBLISHED) -> tuple[int, dict[str, Any]]:
        file, keys = tmp_path / "receipt.json", tmp_path / "keys.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        keys.write_bytes(key if isinstance(key, bytes) else json.dumps(key).encode())
        argv = ["yingda", "receipt", "verify", str(file), "--key", str(keys), "--json", *more]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            program.main()
        out = capsys.readouterr().out
        assert out.count("\n") == 1, out
        return ended.value.code, json.loads(out)

    return run


def test_a_valid_receipt_ends_with_0_and_says_what_it_promises(say):
    code, said = say(RECEIPT)
    assert (code, said["valid"], said["reason"]) == (0, True, None)
    assert said.keys() >= CONTRACT and all(said[k] == RECEIPT[k] for k in CONTRACT - {"valid", "reason"})


def test_the_answer_of_the_chat_api_may_be_handed_in_whole_and_with_a_byte_order_mark(say):
    answer = {"message_id": "m1", "receipt": RECEIPT, "lines": []}
    assert say(answer)[0] == 0
    assert say(b"\xef\xbb\xbf" + json.dumps(RECEIPT).encode())[0] == 0


def test_a_changed_receipt_ends_with_1_and_a_reason(say):
    code, said = say(changed(owner="lead"))
    assert (code, said["valid"], said["reason"], said["owner"]) == (1, False, "signature_wrong", "lead")
    code, said = say(RECEIPT, key={"keys": []})
    assert (code, said["reason"]) == (1, "key_unknown")
    stranger = {"keys": [{"kid": signer().kid, "public_key": b64(signer(b"t" * 32).public_bytes)}]}
    assert say(RECEIPT, key=stranger)[1]["reason"] == "signature_wrong"


@pytest.mark.parametrize("content", [[], {}, "text", 7, None, {"receipt": 7}, {"owner": [1], "due": {}}, b'{"owner": NaN}',
                                     b'{"number": Infinity, "due": 1e999}', b'{"owner": "\\ud800"}'])  # fmt: skip
def test_json_that_is_no_receipt_is_not_valid(say, content: object):
    code, said = say(content)
    assert (code, said["valid"], said["reason"]) == (1, False, "not_a_receipt")
    assert said.keys() >= CONTRACT


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 200_000, b"9" * 5000, b" " * 300_000])
def test_a_file_that_is_no_json_ends_with_2_and_an_error(say, content: bytes):
    code, said = say(content)
    assert (code, said["error"]["code"]) == (2, "file_not_json")
    assert said["error"].keys() >= {"code", "message", "where"} and said["error"]["where"].endswith("receipt.json")


def test_a_key_file_that_is_none_or_a_missing_file_ends_with_2(say, monkeypatch, capsys):
    assert say(RECEIPT, key={"keys": "x"})[1]["error"]["code"] == "key_file_form"
    assert say(RECEIPT, key=b"{")[1]["error"]["code"] == "file_not_json"
    for path in ("/no/such/file", "/"):
        monkeypatch.setattr(sys, "argv", ["yingda", "receipt", "verify", path, "--json"])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert ended.value.code == 2 and json.loads(capsys.readouterr().out)["error"]["code"] == "file_unreadable"


def test_without_a_key_the_desks_own_published_one_is_used(tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "receipt-key.json").write_text(json.dumps(PUBLISHED))
    (tmp_path / "r.json").write_text(json.dumps(RECEIPT))
    monkeypatch.setattr(sys, "argv", ["yingda", "receipt", "verify", str(tmp_path / "r.json"), "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert (ended.value.code, capsys.readouterr().out) == (0, "valid\n")


@pytest.mark.parametrize(("language", "some"), [("zh-CN", "JSON"), ("en", "JSON")])
def test_an_error_is_told_in_the_language_asked_for(say, language: str, some: str):
    message = say(b"{", "--lang", language)[1]["error"]["message"]
    assert some in message and message.isascii() == (language == "en")
