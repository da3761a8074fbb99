"""An agent: signs on by shift, takes the longest waiting, reads, answers after a while, hands back, closes, and goes home."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from yingda.conversations import assign, close, history, reply
from yingda.conversations.history import QueueRow
from yingda.conversations.line import LineView
from yingda.conversations.policy import Policy
from yingda.db.desk import Tx
from yingda.errors import Refused, Temporary
from yingda.people.viewer import AgentViewer
from yingda.sim import texts
from yingda.sim.agenda import Action
from yingda.sim.world import World

T = TypeVar("T")
SLOTS = 3  # conversations an agent writes in at the same time
ROWS_MAX = 100
LINES_READ = 30
LOOK_SECONDS = 180.0  # without a hint, an idle agent's page looks by itself
RETRY_SECONDS = 2.0
CLOSE_WAIT_SECONDS = 120.0
UNSEEN_WAIT_SECONDS = 60.0
HAND_BACK_SHARE = 0.04
LAPTOP_CLOSED_SHARE = 0.3  # goes home without a word, the conversations still on the name


class Agent:
    def __init__(self, world: World, viewer: AgentViewer) -> None:
        self.world, self.viewer = world, viewer
        self.is_present = self.idle = self.is_woken = False
        self._busy: set[int] = set()
        self._close_at: dict[int, float] = {}
        self._look_at: dict[int, float] = {}  # answered, not seen yet by the customer: nothing to do before
        self._planned = False
        self._idles = 0
        self._keys = 0

    async def sign_on(self) -> None:
        self.is_present = True
        self._plan(0.5)

    async def sign_off(self) -> None:
        if self.world.draining:
            return
        self.is_present = self.idle = False
        self._busy.clear()
        if self.world.chance.happens(LAPTOP_CLOSED_SHARE):
            return
        for row in await self._rows("mine"):
            await self._try(partial(assign.hand_back, viewer=self.viewer, conversation=row.conversation))

    def wake(self) -> None:
        """The list moved."""
        self.idle = False
        self.is_woken = True
        self._plan(self.world.chance.uniform(0.3, 2.0))

    def _plan(self, seconds: float) -> None:
        if not self._planned:
            self._planned = True
            self._later(seconds, self._work, "looks for work")

    async def _work(self) -> None:
        self._planned = self.is_woken = False
        if not self.is_present or len(self._busy) >= SLOTS:
            return
        conversation = await self._next()
        if conversation is None:
            self.idle = True
            self._idles += 1
            self._later(LOOK_SECONDS, partial(self._look_up, self._idles), "looks up")
            return
        self._busy.add(conversation)
        await self._read(conversation)
        self._plan(0.5)

    async def _look_up(self, idles: int) -> None:
        if self.idle and self.is_present and idles == self._idles:
            self.wake()

    async def _next(self) -> int | None:
        """Their own that wait, then the lead's list, then the queue: always the longest waiting. Nothing waits: tidy up."""
        mine = [row for row in await self._rows("mine") if row.conversation not in self._busy]
        now = self.world.clock.monotonic()
        waiting = [row for row in mine if row.waiting_since is not None and self._look_at.get(row.conversation, now) <= now]
        if waiting:
            return min(waiting, key=lambda row: (row.waiting_since, row.conversation)).conversation
        rows = [row for row in await self._rows("lead") if row.assignee_name is None] if self.viewer.leads else []
        for row in [*rows, *await self._rows("queue", 2)][:1]:
            taken = await self._try(partial(assign.take, viewer=self.viewer, conversation=row.conversation))
            return row.conversation if taken else None
        for row in mine:
            await self._close_quiet(row.conversation)
        return None

    async def _rows(self, view: str, limit: int = ROWS_MAX) -> list[QueueRow]:
        try:
            return await self.world.process.call(
                lambda h: h.desk.read(lambda tx: history.queue(tx, self.viewer, view=view, limit=limit))  # type: ignore[arg-type]
            )
        except Temporary:
            return []

    # one conversation

    async def _read(self, conversation: int) -> None:
        """Open it, and decide: answer after a while, close what asks for nothing, or hand back."""
        lines = await self._lines(conversation)
        if not lines:
            self._done(conversation)
            return
        chance, seen = self.world.chance, lines[-1].seq
        last = [line for line in lines if line.kind != "system"][-1:]
        if last and last[0].kind == "reply":
            self._look_at[conversation] = self.world.clock.monotonic() + UNSEEN_WAIT_SECONDS
            self._done(conversation)
        elif last and last[0].text in texts.THANKS.values():
            self._later(chance.uniform(3, 15), partial(self._close, conversation, "no_answer_needed", seen), "closes thanks")
        elif chance.happens(HAND_BACK_SHARE):
            self._later(chance.uniform(5, 60), partial(self._hand_back, conversation), "hands back")
        else:
            self._keys += 1
            text = texts.answer(chance, last[0].language if last else "en")
            answer = partial(self._answer, conversation, text, seen, f"k{self._keys}")
            self._later(chance.working(self.world.scenario.handling_seconds), answer, "answers")

    async def _lines(self, conversation: int) -> list[LineView]:
        try:
            return await self.world.process.call(
                lambda h: h.desk.read(lambda tx: history.last_lines(tx, self.viewer, conversation, limit=LINES_READ))
            )
        except Temporary:
            return []

    async def _answer(self, conversation: int, text: str, seen: int, key: str) -> None:
        if not self.is_present or conversation not in self._busy:
            return
        send = partial(reply.reply, viewer=self.viewer, conversation=conversation, text=text, seen_through=seen, key=key)
        try:
            await self._transaction(send)
        except Temporary:  # the page keeps the text and its key, so a reply that did get through is not doubled
            self._later(RETRY_SECONDS, partial(self._answer, conversation, text, seen, key), "answers again")
            return
        except Refused as refused:
            if refused.code == "newer_messages":
                await self._read(conversation)
                return
        self._done(conversation)

    async def _hand_back(self, conversation: int) -> None:
        if self.is_present and conversation in self._busy:
            await self._try(partial(assign.hand_back, viewer=self.viewer, conversation=conversation))
            self._done(conversation)

    async def _close_quiet(self, conversation: int) -> None:
        """An answered conversation is closed once it has been quiet for a while; refusals only mean: later."""
        now = self.world.clock.monotonic()
        if self._close_at.setdefault(conversation, now + CLOSE_WAIT_SECONDS) > now:
            return
        self._close_at[conversation] = now + CLOSE_WAIT_SECONDS
        lines = await self._lines(conversation)
        if lines:
            await self._close(conversation, "answered", lines[-1].seq)

    async def _close(self, conversation: int, reason: str, seen: int) -> None:
        if not self.is_present:
            return
        policy = await self._policy()
        if policy is not None:
            end = partial(
                close.close, policy=policy, viewer=self.viewer, conversation=conversation, reason=reason, seen_through=seen
            )
            if await self._try(end):
                self._close_at.pop(conversation, None)
        self._done(conversation)

    def _done(self, conversation: int) -> None:
        self._busy.discard(conversation)
        self.idle = False
        self._plan(0.5)

    async def _policy(self) -> Policy | None:
        try:
            return await self.world.process.call(lambda h: h.policies.present())
        except Temporary:
            return None

    async def _try(self, change: Callable[[Tx], Awaitable[object]]) -> bool:
        """Whether it was done. Refused and temporary mean: look again later, as the page then shows what is the case."""
        try:
            await self._transaction(change)
        except (Refused, Temporary):
            return False
        return True

    async def _transaction(self, change: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.world.process.call(lambda h: h.desk.transaction(change))

    def _later(self, seconds: float, action: Action, what: str) -> None:
        self.world.agenda.after(seconds, action, f"{self.viewer.name} {what}")
