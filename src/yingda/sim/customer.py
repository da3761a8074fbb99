"""A customer: writes, insists until told yes, reads, goes away, comes back. Their client keeps what the desk has not taken."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial

import msgspec

from yingda.channels.chat.parse import inbound_of, message_of
from yingda.conversations import evidence, history
from yingda.conversations.line import LineView
from yingda.conversations.receive import Received
from yingda.errors import Temporary
from yingda.people.viewer import CustomerViewer
from yingda.sim import texts
from yingda.sim.agenda import Action
from yingda.sim.violation import Violation
from yingda.sim.world import World, Yes
from yingda.wiring import House

MESSAGES_MAX = 4
CLIENT_WAIT_SECONDS = 10.0  # without an answer the client asks again
POLL_SECONDS = 120.0
THANKS = 0.15
RETURNS_MAX = 3
RETURN_SHARE = 0.9


@dataclass
class Page:
    """One conversation on the client's screen: shown up to, and the desk told so up to."""

    shown: int = 0
    said: int = 0


@dataclass(frozen=True)
class Letter:
    """A message as the client keeps it until the desk says yes: the same bytes each time."""

    message_id: str
    body: bytes


class Customer:
    def __init__(self, world: World, number: int, language: str) -> None:
        zone = "Asia/Shanghai" if language == "zh-CN" else "Europe/London"
        self.world = world
        self.name = f"c{number}"
        self.viewer = CustomerViewer(world.account_id, "wallet", self.name, "", language, zone)
        self.language = language
        self.is_open = False
        self.outbox: deque[Letter] = deque()
        self.pages: dict[int, Page] = {}
        self._looking: set[int] = set()
        self._sending = False
        self._written = self._returns = self._visit = 0

    async def arrive(self) -> None:
        chance = self.world.chance
        self._open()
        wait = 0.0
        for _ in range(chance.whole(1, MESSAGES_MAX)):
            self._later(wait, self._write, "writes")
            wait += chance.waiting(25.0)
        self._leave_after(wait + chance.waiting(self.world.scenario.patience_seconds))

    def hear(self, conversation: int) -> None:
        """The stream hints that a conversation moved."""
        if self.is_open and conversation not in self._looking:
            self._looking.add(conversation)
            self._later(self.world.chance.uniform(0.02, 0.4), partial(self._look, conversation), "looks")

    # the page

    def _open(self) -> None:
        self.is_open = True
        self._visit += 1
        self._later(self.world.chance.uniform(0.5, 1.5) * POLL_SECONDS, partial(self._poll, self._visit), "polls")

    def _leave_after(self, seconds: float) -> None:
        self._later(seconds, partial(self._leave, self._visit), "leaves")

    async def _leave(self, visit: int) -> None:
        if visit != self._visit or not self.is_open:
            return
        self.is_open = self._sending = False
        if self._returns < RETURNS_MAX and self.world.chance.happens(RETURN_SHARE):
            self._returns += 1
            self._later(self.world.chance.waiting(self.world.scenario.return_seconds), self._come_back, "comes back")

    async def _come_back(self) -> None:
        if self.is_open:
            return
        self._open()
        await self._find()
        await self._send()
        self._leave_after(self.world.chance.waiting(300.0))

    async def _poll(self, visit: int) -> None:
        """Hints may be lost; an open page also looks by itself, and says again what the desk may not have heard."""
        if visit != self._visit or not self.is_open:
            return
        await self._find()
        for conversation, page in self.pages.items():
            if page.said < page.shown:
                self._later(0.0, partial(self._say_shown, conversation, page.shown), "says shown")
        self._later(self.world.chance.uniform(0.5, 1.5) * POLL_SECONDS, partial(self._poll, visit), "polls")

    async def _find(self) -> None:
        try:
            newest = await self.world.process.call(lambda h: h.desk.read(lambda tx: history.newest_of(tx, self.viewer)))
        except Temporary:
            return
        if newest is not None:
            self.world.readers[newest] = self
            await self._look(newest)

    # writing

    async def _write(self, text: str | None = None) -> None:
        if not self.is_open:
            return
        self._written += 1
        body = {"message_id": f"m{self._written}", "text": text or texts.question(self.world.chance, self.language),
                "language": self.language, "zone": self.viewer.zone}  # fmt: skip
        self.outbox.append(Letter(f"m{self._written}", msgspec.json.encode(body)))
        if not self._sending:
            await self._send()

    async def _send(self) -> None:
        """Try the oldest letter. It leaves the outbox only when the desk has said yes to it."""
        self._sending = self.is_open and bool(self.outbox)
        if not self._sending:
            return
        letter, chance = self.outbox[0], self.world.chance
        fate = self.world.network.fate()
        if fate in ("call_doubled", "call_late"):
            self._later(chance.uniform(0.1, 30.0), partial(self._post, letter), "is delivered late")
        if fate in ("call_lost", "call_late"):
            self._later(CLIENT_WAIT_SECONDS * chance.uniform(0.5, 1.5), self._send, "sends again")
            return
        if self.world.mutation == "ack_before_commit":
            self._hear_yes(letter)
        received = await self._post(letter)
        if self.world.mutation == "ack_before_commit":
            return
        if received is None or fate == "answer_lost":
            self._later(CLIENT_WAIT_SECONDS * chance.uniform(0.5, 1.5), self._send, "sends again")
            return
        self._hear_yes(letter)
        self.world.readers[received.conversation] = self
        self.hear(received.conversation)

    async def _post(self, letter: Letter) -> Received | None:
        """The call itself, hops 1 to 4. None: no answer, or one that says try again."""
        try:
            return await self.world.process.call(partial(_received, self.viewer, letter))
        except Temporary:
            return None

    def _hear_yes(self, letter: Letter) -> None:
        self.world.ledger.append(Yes(f"wallet:{self.name}", letter.message_id))
        if self.outbox and self.outbox[0] is letter:
            self.outbox.popleft()
        self._later(0.05, self._send, "sends the next")

    # reading

    async def _look(self, conversation: int) -> None:
        self._looking.discard(conversation)
        if not self.is_open:
            return
        page = self.pages.setdefault(conversation, Page())
        try:
            lines = await self.world.process.call(
                lambda h: h.desk.read(lambda tx: history.lines(tx, self.viewer, conversation, after=page.shown))
            )
        except Temporary:
            self._look_again(conversation)
            return
        for line in lines:
            if line.shown_seq != page.shown + 1:
                raise Violation("delivered", conversation, f"the customer sees {line.shown_seq} after {page.shown}")
            page.shown = line.shown_seq
        if page.shown > page.said:
            self._later(self.world.chance.uniform(0.05, 0.5), partial(self._say_shown, conversation, page.shown), "says shown")
        if any(line.kind == "reply" for line in lines):
            self._react(lines)

    def _look_again(self, conversation: int) -> None:
        self._looking.add(conversation)
        self._later(2.0, partial(self._look, conversation), "looks again")

    def _react(self, lines: list[LineView]) -> None:
        chance, world = self.world.chance, self.world
        drawn = chance.uniform(0.0, 1.0)
        wait = chance.waiting(30.0)
        if drawn < THANKS:
            self._later(wait, partial(self._write, texts.THANKS[self.language]), "thanks")
        elif drawn < THANKS + world.scenario.follow_up and not world.draining:
            self._later(wait, self._write, "asks on")
            self._leave_after(wait + chance.waiting(world.scenario.patience_seconds))
            return
        self._leave_after(wait + chance.waiting(60.0))

    async def _say_shown(self, conversation: int, shown: int) -> None:
        fate = self.world.network.fate()
        if fate in ("call_doubled", "call_late"):
            self._later(self.world.chance.uniform(0.1, 30.0), partial(self._acknowledge, conversation, shown), "said shown late")
        if fate in ("call_lost", "call_late"):
            return  # the poll says it again
        if await self._acknowledge(conversation, shown) and fate != "answer_lost":
            page = self.pages[conversation]
            page.said = max(page.said, shown)

    async def _acknowledge(self, conversation: int, shown: int) -> bool:
        try:
            await self.world.process.call(partial(_acknowledged, self.viewer, conversation, shown))
        except Temporary:
            return False
        return True

    def _later(self, seconds: float, action: Action, what: str) -> None:
        self.world.agenda.after(seconds, action, f"{self.name} {what}")


async def _received(viewer: CustomerViewer, letter: Letter, house: House) -> Received:
    """What the route of the chat API does with a body, without HTTP: parse, mask, receive, sign."""
    received = await house.reception.receive(inbound_of(viewer, message_of(letter.body), ()))
    house.signer.receipt(received)
    return received


async def _acknowledged(viewer: CustomerViewer, conversation: int, shown: int, house: House) -> int:
    policy = await house.policies.present()
    return await house.desk.transaction(lambda tx: evidence.acknowledge(tx, policy, viewer, conversation, shown))
