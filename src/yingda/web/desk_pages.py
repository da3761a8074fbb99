"""The console's pages: read through the viewer, prepare, render."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from litestar import Response

from yingda import words
from yingda.conversations import history
from yingda.conversations.close import REASONS
from yingda.conversations.history import ConversationView, QueueRow
from yingda.conversations.line import LineView
from yingda.conversations.policy import Policy
from yingda.db.desk import Desk, Tx
from yingda.errors import Refused
from yingda.jobs.shelf import shelf
from yingda.people.viewer import AgentViewer
from yingda.web.desk_refusals import said_of
from yingda.web.desk_views import Countdown, countdown, initial_of, list_rows, thread_lines
from yingda.web.render import page

PAGE_ROWS = 50
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Screen:
    """Who reads, on which desk, and whether pieces of a page are enough (`htmx`)."""

    desk: Desk
    policy: Policy
    agent: AgentViewer
    htmx: bool

    @property
    def language(self) -> str:
        return self.agent.language

    def render(self, template: str, status: int = 200, **values: Any) -> Response[str]:
        moment = partial(words.moment, self.language, self.agent.zone)
        own = {"agent": self.agent, "desk_name": self.policy.desk_name, "moment": moment, "oob": False}
        return page(template, self.language, status=status, **{**own, **values})


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation and its newest lines."""

    view: ConversationView
    lines: list[LineView]
    now: datetime

    @property
    def last(self) -> int:
        """The `seq` of the last line: what a reader of this page has on screen."""
        return self.lines[-1].seq if self.lines else 0


async def list_page(screen: Screen, view: str, after: tuple[datetime | None, int] | None) -> Response[str]:
    return screen.render("desk/list.html", **await _list(screen, view, after), current=0)


async def list_piece(screen: Screen, view: str, after: tuple[datetime | None, int] | None, current: int) -> Response[str]:
    return screen.render("desk/_rows.html", **await _list(screen, view, after), current=current)


async def _list(screen: Screen, view: str, after: tuple[datetime | None, int] | None) -> dict[str, Any]:
    async def work(tx: Tx) -> tuple[list[QueueRow], datetime]:
        rows = await history.queue(tx, screen.agent, view=view, limit=PAGE_ROWS + 1, after=after)  # type: ignore[arg-type]
        return rows, await tx.now()

    rows, now = await screen.desk.read(work)
    more = _linked(rows[PAGE_ROWS - 1].position) if len(rows) > PAGE_ROWS else ""
    shown = list_rows(screen.policy, screen.agent, now, rows[:PAGE_ROWS])
    return {"view": view, "rows": shown, "more": more, "after": _linked(after) if after else ""}


def _linked(position: tuple[datetime | None, int]) -> str:
    """A place in a list as links carry it; `desk.show_list` reads it."""
    at, number = position
    return f"{at.isoformat() if at else ''}~{number}"


async def _talk(screen: Screen, number: int) -> Talk:
    async def work(tx: Tx) -> Talk:
        view = await history.conversation(tx, screen.policy, screen.agent, number, language=screen.language)
        return Talk(view, await history.last_lines(tx, screen.agent, number), await tx.now())

    # What is on screen ends with the last line that was read, whatever came between the reads: see Talk.last.
    return await screen.desk.read(work)


async def conversation_page(screen: Screen, number: int, view: str, *, refused: Refused | None = None,
                            draft: dict[str, str] | None = None) -> Response[str]:  # fmt: skip
    talk = await _talk(screen, number)
    status = refused.status if refused else 200
    listed = await _list(screen, view, None)
    return screen.render("desk/conversation.html", status, **listed, current=number, **_shown(screen, talk),
                         **_form(screen, talk, refused, draft))  # fmt: skip


async def news(screen: Screen, number: int, after: int, *, refused: Refused | None = None, draft: dict[str, str] | None = None,
               fresh: bool = False) -> Response[str]:  # fmt: skip
    """The lines after `after`, and what may have changed beside them: promise, actions, evidence.

    The form is part of it only when it must change (`fresh`, a draft that was refused, the end of the conversation): it holds
    half-written words.
    """
    talk = await _talk(screen, number)
    if talk.lines and after and after < talk.lines[0].seq - 1:
        return Response("", headers={"HX-Refresh": "true"})  # away for longer than a page of lines: begin anew
    shown = _shown(screen, talk)
    newer = [line for line in shown["lines"] if line.view.seq > after]
    form = fresh or draft is not None or talk.view.state != "open"
    return screen.render("desk/_news.html", **{**shown, "lines": newer}, replies=shown["lines"], known=after, form=form,
                         **_form(screen, talk, refused, draft))  # fmt: skip


def _shown(screen: Screen, talk: Talk) -> dict[str, Any]:
    name = talk.view.customer_name or words.sentence(screen.language, "desk.guest")
    return {
        "talk": talk.view,
        "name": name,
        "initial": initial_of(name),
        "lines": thread_lines(screen.policy, screen.agent, talk.lines),
        "last": talk.last,
        "countdown": _promise_of(screen, talk),
        "reasons": REASONS,
        "mine": talk.view.assignee_id == screen.agent.agent_id,
    }


def _promise_of(screen: Screen, talk: Talk) -> Countdown | None:
    if talk.view.promise is None:
        return None
    asked = [line.at for line in talk.lines if line.kind == "message"]
    answered = max((line.at for line in talk.lines if line.kind == "reply"), default=talk.view.opened_at)
    since = next((at for at in asked if at >= answered), talk.view.opened_at)
    return countdown(screen.language, talk.now, talk.view.promise.due, since)


def _form(screen: Screen, talk: Talk, refused: Refused | None, draft: dict[str, str] | None) -> dict[str, Any]:
    return {
        "said": said_of(screen.language, refused) if refused else "",
        "text": (draft or {}).get("text", ""),
        "key": (draft or {}).get("key") or screen.desk.chance.token(KEY_BYTES),
        "seen_through": talk.last,
    }


async def shelf_page(screen: Screen) -> Response[str]:
    jobs = await screen.desk.read(lambda tx: shelf(tx, PAGE_ROWS))
    return screen.render("desk/shelf.html", jobs=jobs, view="shelf")
