"""What one received message adds, composed before it is written: events in order, their bodies, and the exact words told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yingda import words
from yingda.chance import Chance
from yingda.conversations.line import FileView, LineView
from yingda.conversations.policy import Policy
from yingda.db.event import SALT_BYTES, Fact, body_of, commitment, content_of, micros

if TYPE_CHECKING:  # a type only; receive imports this module
    from yingda.conversations.receive import Inbound

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """What the receipt will say. `opens`: a new conversation; `promises`: no promise is open, so one is made."""

    number: int
    due: datetime
    owner: str
    opens: bool
    promises: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One event to write. `text`, `salt`, `code` and `params` are None where it has no line."""

    kind: str
    body: bytes
    text: str | None = None
    salt: bytes | None = None
    code: str | None = None
    params: Params | None = None


@dataclass(slots=True)
class Composed:
    language: str
    zone: str
    message_id: str
    masked: tuple[str, ...]
    files: tuple[FileView, ...]
    steps: list[Step] = field(default_factory=list)

    @property
    def message_salt(self) -> bytes:
        salt = next(step.salt for step in self.steps if step.kind == "received")
        assert salt is not None
        return salt

    def columns(
        self,
    ) -> tuple[list[str], list[bytes], list[str | None], list[bytes | None], list[str | None], list[Params | None]]:
        """The steps as the parallel arrays that `receive_message` takes."""
        s = self.steps
        return (
            [x.kind for x in s], [x.body for x in s], [x.text for x in s], [x.salt for x in s], [x.code for x in s],
            [x.params for x in s],
        )  # fmt: skip

    def lines(self, message_seq: int, message_shown_seq: int, at: datetime) -> tuple[LineView, ...]:
        """The lines as written, without reading them back."""
        first = next(place for place, step in enumerate(self.steps) if step.kind == "received")
        seq, shown, views = message_seq - first, message_shown_seq, []
        for step in self.steps:
            if step.text is not None:
                views.append(self._view(step, seq, shown, at))
                shown += 1
            seq += 1
        return tuple(views)

    def _view(self, step: Step, seq: int, shown_seq: int, at: datetime) -> LineView:
        if step.kind == "received":
            return LineView(seq, shown_seq, at, "message", None, {}, "customer", "", step.text or "", self.language, self.zone,
                            self.message_id, self.masked, self.files)  # fmt: skip
        return LineView(seq, shown_seq, at, "system", step.code, step.params or {}, "desk", "", step.text or "", self.language,
                        self.zone)  # fmt: skip


def compose(inbound: Inbound, policy: Policy, chance: Chance, owed: Owed) -> Composed:
    """The events of one message: [opened] received [promised] [secret_masked] receipt."""
    language = words.language_for(inbound.language or inbound.viewer.language or policy.language)
    zone = words.zone_for(inbound.zone or inbound.viewer.zone, policy.zone)
    files = tuple(FileView(f.id, f.name, f.type, f.size, f.sha256) for f in inbound.files)
    made = Composed(language, zone, inbound.message_id, inbound.masked, files)
    if owed.opens:
        made.steps.append(Step("opened", body_of(Fact("opened", "customer", {"account": inbound.viewer.account_id}))))
    made.steps.append(_message(inbound, chance))
    if owed.promises:
        kind = "first_response" if owed.opens else "next_response"
        promised = Fact("promised", "desk", {"promise": kind, "owner": owed.owner, "due": micros(owed.due)})
        made.steps.append(Step("promised", body_of(promised)))
    if inbound.masked:
        made.steps.append(_warning(made, chance))
    made.steps.append(_receipt(made, policy, chance, owed))
    return made


def secret_kinds(language: str, kinds: tuple[str, ...]) -> str:
    return words.sentence(language, "list.and").join(words.sentence(language, f"secret.{kind}") for kind in kinds)


def _message(inbound: Inbound, chance: Chance) -> Step:
    salt = chance.bytes(SALT_BYTES)
    content = commitment(salt, content_of(inbound.text, [f.sha256 for f in inbound.files]))
    fact = Fact("received", "customer", {"files": len(inbound.files), "masked": ",".join(inbound.masked), "content": content})
    return Step("received", body_of(fact), inbound.text, salt)


def _warning(made: Composed, chance: Chance) -> Step:
    kinds = ",".join(made.masked)
    text = words.sentence(made.language, "line.secret_masked", kinds=secret_kinds(made.language, made.masked))
    return _system(Fact("secret_masked", "desk", {"kinds": kinds}), {"kinds": kinds}, text, chance)


def _receipt(made: Composed, policy: Policy, chance: Chance, owed: Owed) -> Step:
    text = words.sentence(
        made.language,
        "line.receipt",
        number=owed.number,
        owner=policy.owner_words(owed.owner, made.language),
        due=words.moment(made.language, made.zone, owed.due),
    )
    # shown_through: how many lines after the message its receipt stands, so that a repeat can be answered alike.
    params: Params = {"number": str(owed.number), "owner": owed.owner, "due": owed.due.isoformat(),
                      "shown_through": 2 if made.masked else 1}  # fmt: skip
    return _system(Fact("receipt", "desk", {"owner": owed.owner, "due": micros(owed.due)}), params, text, chance)


def _system(fact: Fact, params: Params, text: str, chance: Chance) -> Step:
    salt = chance.bytes(SALT_BYTES)
    full = Fact(fact.kind, fact.actor, {**fact.data, "content": commitment(salt, content_of(text, []))})
    return Step(fact.kind, body_of(full), text, salt, fact.kind, params)
