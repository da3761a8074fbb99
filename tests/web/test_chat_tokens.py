"""Who asks: every way in which a token can be wrong is a 401 that says which, and opens nothing."""

from __future__ import annotations

import base64
import hmac
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.house import KID, SECRET, WIDGET_KEY
from tests.web.api import Api

from yingda.errors import Refused
from yingda.people.accounts import ACCOUNT_AGE_SECONDS_MAX, add_account, add_wallet_key, retire_wallet_key

PAIR = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
PUBLIC = PAIR.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hand_made(header: object, claims: object, key: bytes = SECRET) -> str:
    """A signed token with any header and any claims, which no library would write."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(hmac.digest(key, signed.encode(), 'sha256'))}"


def add_key(api: Api, kid: str, algorithm: str, key: bytes) -> None:
    account = api.read("SELECT id FROM channel_accounts WHERE widget_key = $1", WIDGET_KEY)
    api.run(
        api.stage.desk.transaction(
            lambda tx: add_wallet_key(tx, api.house.master, account, kid=kid, algorithm=algorithm, key=key)
        )
    )
    api.clock.ahead_seconds += ACCOUNT_AGE_SECONDS_MAX + 1


def retire(api: Api, kid: str) -> None:
    api.run(api.stage.desk.transaction(lambda tx: retire_wallet_key(tx, kid)))


@contextmanager
def second_key(api: Api, kid: str, algorithm: str, key: bytes) -> Iterator[None]:
    add_key(api, kid, algorithm, key)
    try:
        yield
    finally:
        retire(api, kid)
        api.clock.ahead_seconds += ACCOUNT_AGE_SECONDS_MAX + 1


def assert_refused(api: Api, token: str, code: str) -> None:
    for method, path in (("POST", "messages"), ("GET", "lines"), ("GET", "files/x"), ("GET", "stream?conversation=1")):
        answer = api.ask(method, path, token, **({"content": b"{}"} if method == "POST" else {}))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code), (path, answer.text)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["where"] == "Authorization"


def test_no_token_or_another_scheme_is_told_to_sign(api: Api):
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer   "}, {"Authorization": "Basic abc"}):
        answer = api.ask("GET", "lines", headers=header)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_missing"), header


def test_a_token_in_the_address_opens_nothing(api: Api):
    answer = api.ask("GET", f"lines?token={api.token('lin')}&access_token={api.token('lin')}")
    assert answer.json()["error"]["code"] == "token_missing"


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "é.é.é", "g_", "x" * 5000, "." * 4000])
def test_what_is_no_token_is_malformed(api: Api, token: str):
    answer = api.ask("GET", "lines", headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == ("token_expired" if token == "g_" else "token_malformed")


def test_the_algorithm_is_the_keys_and_never_the_tokens(api: Api):
    claims = api.claims("lin")
    with second_key(api, "ed", "EdDSA", PUBLIC):
        nothing = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "none", "kid": KID}, claims)) + "."
        assert_refused(api, nothing, "token_signature")
        # The public half used as an HMAC secret, under either key's name.
        for kid in ("ed", KID):
            assert_refused(api, hand_made({"alg": "HS256", "kid": kid}, claims, PUBLIC), "token_signature")
        assert_refused(api, hand_made({"alg": "HS512", "kid": KID}, claims), "token_signature")
        assert_refused(api, hand_made({"alg": "EdDSA", "kid": KID}, claims), "token_signature")
        assert_refused(api, hand_made({"alg": "HS256", "kid": "ed"}, claims), "token_signature")
        assert_refused(api, hand_made({"alg": "HS256", "kid": KID, "crit": ["exp"]}, claims), "token_malformed")


def test_eddsa_tokens_are_accepted_from_their_key_only(api: Api):
    with second_key(api, "ed2", "EdDSA", PUBLIC):
        token = api.token(api.somebody(), key=PAIR, algorithm="EdDSA", kid="ed2")
        assert api.send(token).status_code == 201
        stranger = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
        assert_refused(api, api.token("lin", key=stranger, algorithm="EdDSA", kid="ed2"), "token_signature")


def test_an_unknown_or_missing_kid_is_named(api: Api):
    for kid in ("other", "", None):
        assert_refused(api, api.token("lin", kid=kid), "token_key_unknown")
    for kid in (7, ["key1"], {"a": 1}):
        assert_refused(api, hand_made({"alg": "HS256", "kid": kid}, api.claims("lin")), "token_malformed")


def test_another_signature_or_a_changed_claim_is_refused(api: Api):
    assert_refused(api, api.token("lin", key=b"x" * 32), "token_signature")
    head, _, tail = api.token("lin").split(".")
    assert_refused(api, f"{head}.{b64(json.dumps(api.claims('maya')).encode())}.{tail}", "token_signature")


def test_a_token_for_another_desk_is_refused(api: Api):
    for audience in ("wk_other", ["wk_other"], WIDGET_KEY + "x"):
        assert_refused(api, api.token("lin", aud=audience), "token_audience")
    assert api.send(api.token(api.somebody(), aud=[WIDGET_KEY, "wk_other"])).status_code == 201


@pytest.mark.parametrize("claim", ["sub", "aud", "iat", "exp"])
def test_every_claim_is_needed(api: Api, claim: str):
    assert_refused(api, api.token("lin", **{claim: ...}), "token_claim_missing")


def test_a_token_lives_ten_minutes_at_most_by_the_desks_clock(api: Api):
    now = int(api.clock.now().timestamp())
    assert_refused(api, api.token("lin", exp=now + 601), "token_life_too_long")
    assert_refused(api, api.token("lin", iat=now + 90, exp=now + 200), "token_from_the_future")
    assert_refused(api, api.token("lin", iat=now - 700, exp=now - 100), "token_expired")
    token = api.token(api.somebody())
    assert api.send(token).status_code == 201
    api.clock.ahead_seconds += 601
    assert_refused(api, token, "token_expired")
    skewed = int(api.clock.now().timestamp()) + 30
    assert api.send(api.token(api.somebody(), iat=skewed, exp=skewed + 600)).status_code == 201


@pytest.mark.parametrize("value", ["soon", "", True, -1, 1e300, 2**40, [1], float("nan")])
def test_times_that_are_no_times_are_refused(api: Api, value: object):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_refused(api, hand_made({"alg": "HS256", "kid": KID}, {**api.claims("lin"), "exp": value}), "token_times")


@pytest.mark.parametrize("subject", ["", "x" * 201, "a\0b", "a\ud800", "a\nb"])
def test_a_customers_id_is_1_to_200_characters_that_can_be_stored(api: Api, subject: str):
    assert_refused(api, hand_made({"alg": "HS256", "kid": KID}, api.claims(subject)), "token_subject")


def test_a_customers_id_that_is_no_text_is_refused(api: Api):
    for subject in (7, None, ["lin"], {"a": 1}, True):
        answer = api.ask("GET", "lines", hand_made({"alg": "HS256", "kid": KID}, api.claims(subject)))
        assert answer.status_code == 401, (subject, answer.text)


def test_the_longest_id_and_the_oddest_name_are_kept(api: Api):
    subject = api.somebody()
    token = hand_made(
        {"alg": "HS256", "kid": KID},
        api.claims("界" * 150 + subject, name="\ud83d\u202e林\0 4111 1111 1111 1111", language="\ud800", zone="../../etc/passwd"),
    )
    number = api.send(token).json()["conversation"]
    name = api.read("SELECT cu.name FROM customers cu JOIN conversations c ON c.customer_id = cu.id WHERE c.id = $1", number)
    assert "林" in name and "4111 1111" not in name and "\0" not in name
    assert api.read("SELECT zone FROM conversations WHERE id = $1", number) == "Asia/Shanghai"


def test_deeply_nested_claims_are_refused(api: Api):
    deep = b64(b'{"kid":"key1","alg":"HS256","x":' + b"[" * 1400 + b"]" * 1400 + b"}")
    payload = b64(b'{"sub":' + b"[" * 1400 + b"]" * 1400 + b"}")
    header = b64(b'{"kid":"key1","alg":"HS256"}')
    signature = b64(hmac.digest(SECRET, f"{header}.{payload}".encode(), "sha256"))
    for token in (f"{deep}.e30.x", f"{header}.{payload}.{signature}"):
        assert api.ask("GET", "lines", token).status_code == 401


def test_two_keys_live_during_rotation_and_a_retired_one_is_soon_refused(api: Api):
    with second_key(api, "next", "HS256", b"n" * 32):
        with pytest.raises(Refused, match="wallet_keys_live_max"):
            add_key(api, "third", "HS256", b"t" * 32)
        subject = api.somebody()
        old, new = api.token(subject), api.token(subject, key=b"n" * 32, kid="next")
        number = api.send(old).json()["conversation"]
        assert api.send(new, message_id="m2").json()["conversation"] == number
    assert_refused(api, api.token(subject, key=b"n" * 32, kid="next"), "token_key_unknown")
    assert_refused(api, new, "token_key_unknown")  # proven before, and forgotten with its key
    assert api.ask("GET", "lines", api.token(subject)).json()["conversation"] == number


def test_a_guests_token_opens_its_own_account_only(api: Api):
    api.run(api.stage.desk.transaction(lambda tx: add_account(tx, channel="chat", name="other", widget_key="wk_other")))
    token = api.ask("POST", "guest").json()["token"]
    api.client.cookies.clear()
    assert api.send(token).status_code == 201
    there = api.ask("GET", "/chat/wk_other/lines", token)
    assert (there.status_code, there.json()["error"]["code"]) == (401, "token_expired")
    signed = api.token("lin", aud="wk_other")
    assert api.ask("GET", "/chat/wk_other/lines", signed).json()["error"]["code"] == "token_key_unknown"


def test_a_guests_token_ends_by_the_desks_time(api: Api):
    token = api.ask("POST", "guest").json()["token"]
    api.client.cookies.clear()
    assert api.send(token).status_code == 201
    api.write("UPDATE guest_sessions SET expires_at = desk_now() - interval '1 second'")
    api.clock.ahead_seconds += 31 * 86400  # what was proven is remembered until the token's own end
    assert_refused(api, token, "token_expired")
    api.clock.ahead_seconds = 0


@given(
    st.text(max_size=300),
    st.dictionaries(
        st.sampled_from(["sub", "aud", "iat", "exp", "name", "zone"]),
        st.none() | st.text(max_size=9) | st.floats() | st.integers() | st.lists(st.integers(), max_size=2),
    ),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_token_ever_fails_the_desk(api: Api, text: str, claims: dict[str, object]):
    for token in (text.encode("latin-1", "replace"), hand_made({"alg": "HS256", "kid": KID}, claims).encode()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = api.ask(
                "GET", "lines", headers={"Authorization": b"Bearer " + token.replace(b"\n", b"").replace(b"\r", b"")}
            )
        assert answer.status_code in (200, 401)
