"""Staff sign in: a guess costs as much for a stranger as for somebody, and guessing from elsewhere locks out nobody honest."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from argon2 import PasswordHasher, extract_parameters
from tests.house import EN, PASSWORD, Stage, play

from yingda.errors import Refused
from yingda.people import agents
from yingda.people.agents import NewAgent, add_agent, agent_of_session, hash_password, sign_in, sign_out
from yingda.people.viewer import require_lead

EMAIL, HERE, ELSEWHERE = "Bailu@desk.example", "10.0.0.1", "10.9.9.9"


async def session(s: Stage, token: str, **more: object):
    return await s.desk.read(lambda tx: agent_of_session(tx, token, **more))


async def assert_fails(s: Stage, email: str, password: str, address: str = HERE, code: str = "signin_failed") -> None:
    with pytest.raises(Refused, match=code):
        await sign_in(s.desk, email, password, address)


def test_the_right_password_opens_a_session_of_which_only_a_hash_is_stored(database_url):
    async def scene(s: Stage):
        token, viewer = await sign_in(s.desk, f"  {EMAIL.upper()} ", PASSWORD, HERE)
        assert (viewer.name, viewer.role, viewer.leads) == ("Bailu", "agent", False)
        assert await session(s, token) == viewer
        stored = await s.desk.read(lambda tx: tx.fetchval("SELECT token_hash FROM staff_sessions"))
        assert stored == hashlib.sha256(token.encode()).digest() and len(token) >= 43
        await s.desk.transaction(lambda tx: sign_out(tx, token))
        assert await session(s, token) is None and await session(s, "") is None

    play(database_url, scene)


def test_passwords_are_argon2id_and_have_a_length():
    parameters = extract_parameters(asyncio.run(hash_password("a" * 10)))
    assert parameters.type.name == "ID" and parameters.memory_cost >= 65536 and parameters.time_cost >= 3
    for wrong in ("a" * 9, "a" * 201):
        with pytest.raises(Refused, match="password_length"):
            asyncio.run(hash_password(wrong))


def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(database_url, monkeypatch):
    hashed: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, stored, password):
            hashed.append(stored)
            return super().verify(stored, password)

    async def scene(s: Stage):
        monkeypatch.setattr(agents, "_hasher", Counting())
        await assert_fails(s, "nobody@desk.example", PASSWORD)
        await assert_fails(s, EMAIL, "wrong password")
        assert len(hashed) == 2
        assert extract_parameters(hashed[0]) == extract_parameters(hashed[1])

    play(database_url, scene)


def test_guessing_is_braked_for_the_guesser_and_not_for_the_honest(database_url, monkeypatch):
    monkeypatch.setattr(agents, "_matches", lambda stored, password: password == PASSWORD)  # argon2 is slow by design

    async def scene(s: Stage):
        for _ in range(agents.FAILURES_MAX):
            await assert_fails(s, EMAIL, "wrong")
        await assert_fails(s, EMAIL, PASSWORD, code="signin_slow_down")
        await assert_fails(s, EMAIL.lower(), PASSWORD, code="signin_slow_down")
        token, _ = await sign_in(s.desk, EMAIL, PASSWORD, ELSEWHERE)
        assert await session(s, token)
        await sign_in(s.desk, "夏至@desk.example", PASSWORD, HERE)
        older = "UPDATE signin_failures SET at = at - make_interval(mins => $1)"
        await s.desk.transaction(lambda tx: tx.execute(older, agents.FAILURE_WINDOW_MINUTES))
        assert await sign_in(s.desk, EMAIL, PASSWORD, HERE)

    play(database_url, scene)


def test_guesses_all_at_once_are_braked_too(database_url, monkeypatch):
    tried: list[str] = []

    def matches(stored: str, password: str) -> bool:
        tried.append(password)
        return False

    async def scene(s: Stage):
        monkeypatch.setattr(agents, "_matches", matches)
        guesses = [sign_in(s.desk, EMAIL, f"guess {i}", HERE) for i in range(40)]
        results = await asyncio.gather(*guesses, return_exceptions=True)
        assert all(isinstance(r, Refused) for r in results)
        assert len(tried) <= agents.FAILURES_MAX

    play(database_url, scene)


def test_signing_in_again_and_again_is_no_guessing(database_url, monkeypatch):
    monkeypatch.setattr(agents, "_matches", lambda stored, password: password == PASSWORD)

    async def scene(s: Stage):
        tokens = {(await sign_in(s.desk, EMAIL, PASSWORD, HERE))[0] for _ in range(agents.FAILURES_MAX + 2)}
        assert len(tokens) == agents.FAILURES_MAX + 2
        assert await s.desk.read(lambda tx: tx.fetchval("SELECT count(*) FROM signin_failures")) == 0

    play(database_url, scene)


def test_what_no_column_can_hold_is_a_wrong_password_and_no_failure_of_ours(database_url):
    async def scene(s: Stage):
        for email, password in (("\0", "x"), (EMAIL, "\0"), ("\ud800", "x"), (EMAIL, "\ud800"), ("x" * 100_000, "y" * 100_000)):
            await assert_fails(s, email, password)

    play(database_url, scene)


def test_a_disabled_agent_is_out_at_once(database_url):
    async def scene(s: Stage):
        token, viewer = await sign_in(s.desk, EMAIL, PASSWORD, HERE)
        disable = "UPDATE agents SET disabled_at = desk_now() WHERE id = $1"
        await s.desk.transaction(lambda tx: tx.execute(disable, viewer.agent_id))
        assert await session(s, token) is None
        await assert_fails(s, EMAIL, PASSWORD)

    play(database_url, scene)


def test_a_session_ends_by_the_desks_time_and_is_forgotten(database_url):
    async def scene(s: Stage):
        token, _ = await sign_in(s.desk, EMAIL, PASSWORD, HERE)
        await s.desk.transaction(lambda tx: tx.execute("UPDATE staff_sessions SET expires_at = desk_now()"))
        assert await session(s, token) is None
        await assert_fails(s, EMAIL, "wrong")
        age = "UPDATE signin_failures SET at = at - interval '1 day'"
        await s.desk.transaction(lambda tx: tx.execute(age))
        await s.desk.transaction(agents.forget_expired)
        assert await s.desk.read(lambda tx: tx.fetchval("SELECT count(*) FROM staff_sessions")) == 0
        assert await s.desk.read(lambda tx: tx.fetchval("SELECT count(*) FROM signin_failures")) == 0

    play(database_url, scene)


def test_demo_accounts_work_on_loopback_only_old_sessions_too(database_url):
    async def scene(s: Stage):
        new = NewAgent("demo@desk.example", "Demo", "lead", await hash_password(PASSWORD), EN, "UTC", demo=True)
        await s.desk.transaction(lambda tx: add_agent(tx, new))
        with pytest.raises(Refused, match="demo_beyond_loopback"):
            await sign_in(s.desk, new.email, PASSWORD, HERE, demo_allowed=False)
        await assert_fails(s, new.email, "wrong")
        token, _ = await sign_in(s.desk, new.email, PASSWORD, HERE)
        assert await session(s, token) is not None
        assert await session(s, token, demo_allowed=False) is None, "the desk may listen elsewhere since"
        honest, _ = await sign_in(s.desk, EMAIL, PASSWORD, HERE, demo_allowed=False)
        assert await session(s, honest, demo_allowed=False) is not None

    play(database_url, scene)


def test_only_leads_and_admins_lead(database_url):
    async def scene(s: Stage):
        require_lead(s.cast.xiazhi)
        with pytest.raises(Refused) as refused:
            require_lead(s.cast.guyu)
        assert (refused.value.status, refused.value.code) == (404, "not_found")

    play(database_url, scene)
