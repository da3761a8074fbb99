"""Receipts: whoever holds one can prove what was taken, who owes the answer and by when; nobody can make or change one."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.house import Stage, play

from yingda.conversations.receive import Received
from yingda.errors import Permanent, Refused
from yingda.people.master_key import MasterKey
from yingda.trust.receipt import SIGNED, Signer, b64, key_id, load_signer, parse_public_keys, public_keys, unb64, verify

AT = datetime(2026, 12, 1, 9, 0, 0, 123456, UTC)


def signer(seed: bytes = b"s" * 32) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return Signer("desk-1", key_id(private.public_key().public_bytes_raw()), private)


def received(text: str = "我转的钱还没到", files: tuple[str, ...] = ()) -> Received:
    return Received(10001, 2, 1, 2, AT, AT, "queue:tier1", text, b"\x07" * 32, (), files, "zh-CN", "Asia/Shanghai", False, ())


RECEIPT = signer().receipt(received())
KEYS = {signer().kid: signer().public_bytes}


def changed(**fields: object) -> dict[str, Any]:
    return {**copy.deepcopy(RECEIPT), **fields}


def test_a_receipt_is_valid_and_the_same_message_gives_the_same_bytes():
    assert verify(RECEIPT, KEYS) is None
    assert json.dumps(signer().receipt(received())) == json.dumps(RECEIPT)
    assert verify(json.loads(json.dumps(RECEIPT)), KEYS) is None
    assert verify(dict(sorted(RECEIPT.items())), KEYS) is None, "the order of members says nothing"


def test_the_signature_is_over_the_rfc_8785_form_and_anybody_can_check_it():
    signed = rfc8785.dumps({name: RECEIPT[name] for name in SIGNED})
    signer().private.public_key().verify(unb64(RECEIPT["signature"]), signed)
    assert set(SIGNED) | {"signature", "salt"} == RECEIPT.keys()


@pytest.mark.parametrize("name", SIGNED)
def test_any_changed_field_makes_it_invalid(name: str):
    value = RECEIPT[name]
    for other in (f"{value}x", "", None, 0, 99, True, [value], {"a": value}, 1.5, float("nan")):
        reason = verify(changed(**{name: other}), KEYS)
        assert reason in ("signature_wrong", "not_a_receipt", "key_unknown", "version_unknown"), (name, other, reason)
    assert verify({k: v for k, v in RECEIPT.items() if k != name}, KEYS) == "not_a_receipt"


def test_the_reason_is_told():
    assert verify(changed(owner="lead"), KEYS) == "signature_wrong"
    assert verify(changed(version=2), KEYS) == "version_unknown"
    assert verify(changed(key="0" * 16), KEYS) == "key_unknown"
    assert verify(changed(extra=1), KEYS) == "fields_unknown"
    assert verify(changed(signature="AAAA"), KEYS) == "signature_wrong"
    for nothing in (None, [], "x", 7, {}, RECEIPT["signature"], [RECEIPT]):
        assert verify(nothing, KEYS) == "not_a_receipt"


def test_one_signature_has_one_spelling():
    good = RECEIPT["signature"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    neighbour = last[last.index(good[-1]) ^ 1]
    spellings = [good + "==", good + "!", good[:5] + "\n" + good[5:], good[:-1] + neighbour, good + "A", good.replace("-", "+"),
                 f" {good}"]  # fmt: skip
    for spelling in spellings:
        if spelling != good:
            assert verify(changed(signature=spelling), KEYS) is not None, spelling


def test_another_key_is_not_ours_even_if_the_receipt_brings_it_along():
    thief = signer(b"t" * 32)
    forged = thief.receipt(received("send your money here"))
    assert verify(forged, KEYS) == "key_unknown"
    assert verify({**forged, "key": signer().kid}, KEYS) == "signature_wrong"
    brought = {**forged, "public_key": b64(thief.public_bytes)}
    assert verify(brought, KEYS) in ("key_unknown", "fields_unknown")
    assert verify(RECEIPT, {}) == "key_unknown"
    assert verify(RECEIPT, {signer().kid: thief.public_bytes}) == "signature_wrong"
    assert verify(RECEIPT, {signer().kid: b"short"}) == "not_a_receipt"


def test_the_commitment_is_to_the_words_and_the_files_under_the_salt():
    digest = hashlib.sha256(b"a file").hexdigest()
    receipt = signer().receipt(received("看图", (digest,)))
    content = unb64(receipt["salt"]) + "看图".encode() + b"\0" + digest.encode()
    assert receipt["message_hash"] == hashlib.sha256(content).hexdigest()
    assert receipt["message_hash"] != signer().receipt(received("看图"))["message_hash"]


DEEP: Any = "x"
for _ in range(3000):
    DEEP = [DEEP]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(ANYTHING)
@settings(max_examples=60, deadline=None)
def test_nonsense_is_no_receipt_and_never_an_exception(value: object):
    assert verify(value, KEYS) == "not_a_receipt"


@given(st.dictionaries(st.sampled_from(sorted(RECEIPT)), ANYTHING, min_size=1))
@settings(max_examples=60, deadline=None)
def test_nonsense_in_its_fields_is_never_valid(fields: dict[str, object]):
    fields.pop("salt", None)  # for the customer; not signed
    if any(type(v) is not type(RECEIPT[k]) or v != RECEIPT[k] for k, v in fields.items()):
        assert verify(changed(**fields), KEYS) is not None


def test_a_tower_of_lists_is_no_receipt():
    assert verify(DEEP, KEYS) == "not_a_receipt"
    assert verify(changed(owner=DEEP), KEYS) == "not_a_receipt"


def test_published_keys_are_read_and_anything_else_is_refused():
    published = {"desk": "x", "keys": [{"kid": "k", "algorithm": "Ed25519", "public_key": b64(b"p" * 32)}]}
    assert parse_public_keys(published) == {"k": b"p" * 32}
    for wrong in (
        None,
        [],
        {},
        {"keys": 1},
        {"keys": [1]},
        {"keys": [{}]},
        {"keys": [{"kid": "k", "public_key": "AAAA"}]},
        {"keys": [{"kid": "k", "public_key": 7}]},
        {"keys": [{"kid": ["k"], "public_key": b64(b"p" * 32)}]},
    ):
        with pytest.raises(Refused, match="key_file_form"):
            parse_public_keys(wrong)


def test_the_private_half_is_wrapped_and_the_public_half_is_published(database_url):
    async def scene(s: Stage):
        keys = parse_public_keys(await s.desk.read(public_keys))
        receipt = s.house.signer.receipt(await s.write(s.cast.lin, "钱呢"))
        assert verify(receipt, keys) is None
        raw = s.house.signer.private.private_bytes_raw()
        assert raw not in await s.desk.read(lambda tx: tx.fetchval("SELECT wrapped_private_key FROM desk_keys"))
        with pytest.raises(Permanent, match="master_key_wrong"):
            await s.desk.read(lambda tx: load_signer(tx, MasterKey(b"x" * 32, s.desk.chance)))

    play(database_url, scene)
