"""What the console shows, prepared for the templates: promises as rings, system lines in the agent's own language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from yingda import words
from yingda.conversations.history import QueueRow
from yingda.conversations.line import LineView
from yingda.conversations.policy import Policy
from yingda.people.viewer import AgentViewer

RISK_WITHIN = timedelta(minutes=10)
FACES = 5  # tints of a customer's face


@dataclass(frozen=True, slots=True)
class Countdown:
    """A promise's time: its look, how much of its ring is left (0..100), and the words for it now."""

    look: str  # wait, risk, broken
    left_percent: int
    text: str
    due: datetime
    since: datetime


def countdown(language: str, now: datetime, due: datetime, since: datetime | None) -> Countdown:
    """`since` is when the wait began: the ring is full then and empty at `due`."""
    begin = since or due - RISK_WITHIN
    whole = max((due - begin).total_seconds(), 1.0)
    left = (due - now).total_seconds()
    look = "broken" if left <= 0 else "risk" if left <= RISK_WITHIN.total_seconds() else "wait"
    percent = max(0, min(100, round(100 * left / whole)))
    return Countdown(look, percent, _span_words(language, left), due, begin)


def _span_words(language: str, seconds: float) -> str:
    minutes = int(abs(seconds) // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    unit = "days" if days else "hours" if hours else "minutes"
    span = words.sentence(language, f"desk.span.{unit}", days=days, hours=hours, minutes=rest)
    return words.sentence(language, "desk.span.late", span=span) if seconds <= 0 else span


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation in a list."""

    conversation: int
    name: str
    initial: str
    face: int
    preview: str
    language: str
    countdown: Countdown | None
    meta: str


def list_rows(policy: Policy, agent: AgentViewer, now: datetime, rows: list[QueueRow]) -> list[Row]:
    return [_list_row(policy, agent, now, row) for row in rows]


def _list_row(policy: Policy, agent: AgentViewer, now: datetime, row: QueueRow) -> Row:
    name = row.customer_name or words.sentence(agent.language, "desk.guest")
    time = countdown(agent.language, now, row.due_at, row.waiting_since) if row.due_at else None
    with_whom = row.assignee_name or (policy.owner_words(row.owner, agent.language) if row.owner else "")
    return Row(row.conversation, name, initial_of(name), row.conversation % FACES + 1, row.preview, row.language, time, with_whom)


def initial_of(name: str) -> str:
    """The first letter that can stand alone; a name of marks and controls only gets a dot."""
    return next((c.upper() for c in name if c.isalnum()), "·")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the thread. `staff_text` is a system line in the agent's language; `view.text` the exact words told."""

    view: LineView
    time: str
    staff_text: str
    masked: str


def thread_lines(policy: Policy, agent: AgentViewer, lines: list[LineView]) -> list[Line]:
    return [
        Line(
            line,
            line.at.astimezone(words.zone_info(agent.zone)).strftime("%H:%M"),
            system_words(policy, agent, line) if line.kind == "system" else "",
            _kinds(agent.language, line.masked),
        )
        for line in lines
    ]


def _kinds(language: str, kinds: tuple[str, ...]) -> str:
    return words.sentence(language, "list.and").join(words.sentence(language, f"secret.{kind}") for kind in kinds)


def system_words(policy: Policy, agent: AgentViewer, line: LineView) -> str:
    """A system line from its code and parameters, for staff; a code without a sentence shows the words told."""
    key = f"desk.line.{line.code}"
    if not words.has(agent.language, key):
        return line.text
    params = line.params
    return words.sentence(
        agent.language,
        key,
        owner=policy.owner_words(str(params["owner"]), agent.language) if "owner" in params else "",
        due=_moment(agent, params.get("due")),
        old=_moment(agent, params.get("old")),
        number=params.get("number", ""),
        agent=policy.agent_names.get(int(params["agent"]), "") if "agent" in params else "",
        reason=words.sentence(agent.language, f"desk.reason.{params['reason']}") if "reason" in params else "",
        kinds=_kinds(agent.language, tuple(str(params.get("kinds", "")).split(","))) if params.get("kinds") else "",
    )


def _moment(agent: AgentViewer, iso: object) -> str:
    return words.moment(agent.language, agent.zone, datetime.fromisoformat(iso)) if isinstance(iso, str) else ""
