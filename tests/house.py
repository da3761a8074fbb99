"""A desk for tests: the real doors on a real database, with one small cast of customers and agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from yingda.chance import SystemChance
from yingda.clock import SystemClock
from yingda.commands.opened import build_house
from yingda.conversations.line import LineView
from yingda.conversations.receive import Inbound, Received
from yingda.db.desk import Desk, connect_pool
from yingda.people.accounts import Account, add_account, add_wallet_key
from yingda.people.agents import NewAgent, add_agent, hash_password
from yingda.people.master_key import MasterKey
from yingda.people.viewer import AgentViewer, CustomerViewer
from yingda.wiring import FOLLOWS, House

T = TypeVar("T")
WIDGET_KEY = "wk_test"
KID = "key1"
SECRET = bytes(range(32))
PASSWORD = "correct horse battery"
ZH, EN = "zh-CN", "en"


@dataclass(frozen=True)
class Cast:
    """Lin and Maya write to the desk; Guyu and Bailu answer; Xiazhi leads."""

    account: Account
    lin: CustomerViewer  # reads Chinese
    maya: CustomerViewer  # reads English
    guyu: AgentViewer
    bailu: AgentViewer
    xiazhi: AgentViewer


@dataclass(frozen=True)
class Stage:
    house: House
    cast: Cast

    @property
    def desk(self) -> Desk:
        return self.house.desk

    async def write(self, who: CustomerViewer, text: str, message_id: str | None = None, **more: object) -> Received:
        inbound = Inbound(who, message_id or self.desk.chance.token(9), text, language=who.language, zone=who.zone, **more)
        return await self.house.reception.receive(inbound)

    async def lines(self, who: CustomerViewer | AgentViewer, number: int, after: int = 0) -> list[LineView]:
        from yingda.conversations import history

        return await self.desk.read(lambda tx: history.lines(tx, who, number, after=after))

    async def answer(self, who: AgentViewer, number: int, text: str, seen_through: int | None = None, **more: object):
        from yingda.conversations.reply import reply

        seq = seen_through if seen_through is not None else await self.desk.read(
            lambda tx: tx.fetchval("SELECT seq FROM conversations WHERE id = $1", number)
        )  # fmt: skip
        key = self.desk.chance.token(9)
        return await self.desk.transaction(
            lambda tx: reply(tx, who, number, **{"text": text, "seen_through": seq, "key": key, **more})
        )

    async def see(self, who: CustomerViewer, number: int, shown_seq: int) -> int:
        from yingda.conversations.evidence import acknowledge

        policy = await self.house.policies.present()
        return await self.desk.transaction(lambda tx: acknowledge(tx, policy, who, number, shown_seq))

    async def promise(self, number: int):
        return await self.desk.read(
            lambda tx: tx.fetchrow("SELECT * FROM promises WHERE conversation_id = $1 ORDER BY id DESC LIMIT 1", number)
        )


@asynccontextmanager
async def stage(database_url: str, *, size: int = 8, follows: dict | None = None, faults=None) -> AsyncIterator[Stage]:
    """An open desk with its cast."""
    chance = SystemChance()
    pool = await connect_pool(database_url, size=size, least=1)
    try:
        master = MasterKey(b"m" * 32, chance)
        desk = Desk(pool, SystemClock(), chance, follows=FOLLOWS if follows is None else follows)
        house = await build_house(desk, master)
        await desk.transaction(lambda tx: tx.execute("UPDATE desk SET hours = $1", ALWAYS))
        cast = await populate(house)
        desk.faults = faults
        yield Stage(house, cast)
    finally:
        await asyncio.wait_for(pool.close(), 10)


ALWAYS = {"zone": "Asia/Shanghai", "weekly": {d: [["00:00", "24:00"]] for d in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
          "calendar": None, "exceptions": []}  # fmt: skip
_hashes: dict[str, str] = {}


async def populate(house: House) -> Cast:
    desk, master = house.desk, house.master
    if PASSWORD not in _hashes:
        _hashes[PASSWORD] = await hash_password(PASSWORD)

    async def people(tx):
        account = await add_account(tx, channel="chat", name="Little Lotus wallet", widget_key=WIDGET_KEY,
                                    origins=["https://wallet.example"])  # fmt: skip
        await add_wallet_key(tx, master, account, kid=KID, algorithm="HS256", key=SECRET)
        agents = {}
        for name, role, language in (("谷雨", "agent", ZH), ("Bailu", "agent", EN), ("夏至", "lead", ZH)):
            agents[name] = AgentViewer(
                await add_agent(tx, NewAgent(f"{name}@desk.example", name, role, _hashes[PASSWORD], language, "Asia/Shanghai")),
                name, role, language, "Asia/Shanghai",
            )  # fmt: skip
        return account, agents

    account_id, agents = await desk.transaction(people)
    account = await house.accounts.by_widget_key(WIDGET_KEY)
    assert account.id == account_id
    lin = CustomerViewer(account_id, "wallet", "lin", "林小禾", ZH, "Asia/Shanghai")
    maya = CustomerViewer(account_id, "wallet", "maya", "Maya", EN, "Europe/London")
    return Cast(account, lin, maya, agents["谷雨"], agents["Bailu"], agents["夏至"])


def play(database_url: str, scene: Callable[[Stage], Awaitable[T]], **options: object) -> T:
    """Run one scene on a fresh desk."""

    async def run() -> T:
        async with stage(database_url, **options) as s:
            return await scene(s)

    return asyncio.run(run())
