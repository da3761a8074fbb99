"""The doors of people, keys and the desk's own beginning."""

from __future__ import annotations

from typing import Any

from tests.house import PASSWORD, Stage
from tests.proof.scene import Made, Scene

from yingda.errors import Refused
from yingda.people import agents, guests
from yingda.people.accounts import add_account, add_wallet_key, retire_wallet_key

PEOPLE = "yingda.people."
NEW_KEY = bytes(range(32, 64))


async def admit(s: Stage, made: Made) -> str:
    token, _ = await s.desk.transaction(lambda tx: guests.admit_guest(tx, s.cast.account.id))
    return token


async def guest_is_known(s: Stage, made: Made, token: str) -> None:
    viewer, _ = await s.desk.read(lambda tx: guests.guest_of_token(tx, s.cast.account.id, token))
    assert viewer.handle_kind == "guest"


async def sign_in(s: Stage, made: Made) -> str:
    token, _ = await agents.sign_in(s.desk, "谷雨@desk.example", PASSWORD, "192.0.2.1")
    return token


async def agent_is_known(s: Stage, made: Made, token: str) -> None:
    assert await s.desk.read(lambda tx: agents.agent_of_session(tx, token)) == s.cast.guyu


async def sign_in_wrongly(s: Stage, made: Made) -> None:
    try:
        await agents.sign_in(s.desk, "谷雨@desk.example", "not the password", "192.0.2.1")
    except Refused as error:
        assert error.code == "signin_failed"


async def signed_in(s: Stage) -> Made:
    return {"token": await sign_in(s, {})}


async def sign_out(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: agents.sign_out(tx, made["token"]))


async def add_key(s: Stage, made: Made) -> None:
    await s.desk.transaction(
        lambda tx: add_wallet_key(tx, s.house.master, s.cast.account.id, kid="key2", algorithm="HS256", key=NEW_KEY)
    )


async def key_opens(s: Stage, made: Made, answer: Any) -> None:
    account = await s.house.accounts.by_widget_key(s.cast.account.widget_key)
    assert NEW_KEY in {key.key for key in account.keys}


async def retire_key(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: retire_wallet_key(tx, "key1"))


async def hire(s: Stage, made: Made) -> None:
    new = agents.NewAgent("dashu@desk.example", "大暑", "agent", "hash", "zh-CN", "Asia/Shanghai")
    await s.desk.transaction(lambda tx: agents.add_agent(tx, new))


async def open_account(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: add_account(tx, channel="chat", name="Second", widget_key="wk_second"))


async def nothing_more(s: Stage, made: Made) -> None:
    """The first start is all that this scene does: opening the desk is the door."""


SCENES = [
    Scene("first start", ("yingda.trust.receipt.make_signing_key", "yingda.jobs.periodic.install"), nothing_more,
          is_first_start=True),
    Scene("admit a guest", (f"{PEOPLE}guests.admit_guest",), admit, without=frozenset({"guest_sessions"}), holds=guest_is_known),
    Scene("sign in", (f"{PEOPLE}agents.sign_in",), sign_in, without=frozenset({"staff_sessions", "signin_failures"}),
          holds=agent_is_known),  # a try that ended with its process counts as one that failed
    Scene("sign in with a wrong password", (f"{PEOPLE}agents.sign_in",), sign_in_wrongly, without=frozenset({"signin_failures"})),
    Scene("sign out", (f"{PEOPLE}agents.sign_out",), sign_out, signed_in),
    Scene("add a wallet key", (f"{PEOPLE}accounts.add_wallet_key",), add_key, holds=key_opens),
    Scene("retire a wallet key", (f"{PEOPLE}accounts.retire_wallet_key",), retire_key),
    Scene("add an agent", (f"{PEOPLE}agents.add_agent",), hire, settled=("UniqueViolationError",)),
    Scene("add an account", (f"{PEOPLE}accounts.add_account",), open_account, settled=("UniqueViolationError",)),
]  # fmt: skip
