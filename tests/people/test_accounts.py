"""Accounts, keys and guests: two keys live at once, what is stored opens only with the master key, guests are only hashes."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from tests.house import KID, SECRET, WIDGET_KEY, Stage, play

from yingda.errors import Permanent, Refused
from yingda.people import guests
from yingda.people.accounts import Accounts, add_wallet_key, customer_key_text, parse_customer_key, retire_wallet_key
from yingda.people.master_key import MasterKey
from yingda.people.wallet_token import customer_of_token, sign_customer_token


def test_a_customer_key_is_text_and_back():
    text = customer_key_text("k1", "wk_x", SECRET)
    assert parse_customer_key(f" {text}\n") == ("k1", "wk_x", SECRET)
    for wrong in ("", "a.b", "a..b", "a.b.c.d", "a.b.", "a.b.!!!!", "a.b.AAAA", text + "A" * 8, "a.b.界"):
        with pytest.raises(Refused, match="customer_key_form"):
            parse_customer_key(wrong)


def test_a_secret_is_stored_wrapped_and_opens_for_its_own_purpose_only(database_url):
    async def scene(s: Stage):
        stored = await s.desk.read(lambda tx: tx.fetchval("SELECT key FROM wallet_keys WHERE kid = $1", KID))
        assert SECRET not in stored
        assert s.house.master.unwrap(stored, f"wallet-key:{KID}") == SECRET
        for master, purpose in ((s.house.master, "wallet-key:other"), (MasterKey(b"x" * 32, s.desk.chance), f"wallet-key:{KID}")):
            with pytest.raises(Permanent, match="master_key_wrong"):
                master.unwrap(stored, purpose)
        with pytest.raises(Permanent, match="master_key_wrong"):
            await Accounts(s.desk, MasterKey(b"x" * 32, s.desk.chance)).by_widget_key(WIDGET_KEY)

    play(database_url, scene)


def test_a_third_key_waits_until_one_is_retired(database_url):
    async def scene(s: Stage):
        async def add(kid: str, algorithm: str = "HS256", key: bytes = b"k" * 32) -> None:
            await s.desk.transaction(
                lambda tx: add_wallet_key(tx, s.house.master, s.cast.account.id, kid=kid, algorithm=algorithm, key=key)
            )

        await add("key2")
        with pytest.raises(Refused, match="wallet_keys_live_max"):
            await add("key3")
        await s.desk.transaction(lambda tx: retire_wallet_key(tx, KID))
        await add("key3", "EdDSA")
        fresh = await Accounts(s.desk, s.house.master).by_widget_key(WIDGET_KEY)
        assert [(k.kid, k.algorithm) for k in fresh.keys] == [("key2", "HS256"), ("key3", "EdDSA")]
        for algorithm, key in (("none", b"k" * 32), ("RS256", b"k" * 32), ("HS256", b"short"), ("EdDSA", b"k" * 33)):
            with pytest.raises(Refused, match="wallet_key_form"):
                await add("key4", algorithm, key)

    play(database_url, scene)


def test_a_signed_customer_has_the_name_language_and_zone_they_were_signed_with(database_url):
    async def scene(s: Stage):
        now = s.desk.clock.now()
        token = sign_customer_token(KID, WIDGET_KEY, SECRET, "lin", now, name="林" * 300, language="zh-CN", zone="Asia/Tokyo")
        viewer, expires = customer_of_token(s.cast.account, token, now)
        assert (viewer.handle_kind, viewer.handle_value, viewer.language, viewer.zone) == ("wallet", "lin", "zh-CN", "Asia/Tokyo")
        assert viewer.name == "林" * 300
        assert 599 <= (expires - now).total_seconds() <= 600
        other = dataclasses.replace(s.cast.account, widget_key="wk_other")
        with pytest.raises(Refused, match="token_audience"):
            customer_of_token(other, token, now)

    play(database_url, scene)


def test_a_guest_is_stored_as_a_hash_and_forgotten_in_time(database_url):
    async def scene(s: Stage):
        account = s.cast.account.id
        token, expires = await s.desk.transaction(lambda tx: guests.admit_guest(tx, account))
        stored = await s.desk.read(lambda tx: tx.fetchrow("SELECT * FROM guest_sessions"))
        assert stored["token_hash"] == hashlib.sha256(token.encode()).digest()
        assert token not in str(dict(stored)) and stored["expires_at"] == expires
        viewer, until = await s.desk.read(lambda tx: guests.guest_of_token(tx, account, token))
        assert (viewer.handle_kind, viewer.handle_value, until) == ("guest", stored["guest"], expires)
        assert viewer.handle_value not in token
        for where, what in ((account + 1, token), (account, token + "x"), (account, guests.TOKEN_PREFIX)):
            with pytest.raises(Refused) as refused:
                await s.desk.read(lambda tx, w=where, t=what: guests.guest_of_token(tx, w, t))
            assert refused.value.status == 401
        await s.desk.transaction(lambda tx: tx.execute("UPDATE guest_sessions SET expires_at = desk_now() - interval '1 s'"))
        assert await s.desk.transaction(guests.forget_expired) == 1
        assert await s.desk.transaction(guests.forget_expired) == 0

    play(database_url, scene)
