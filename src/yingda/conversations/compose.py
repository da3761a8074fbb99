"""What one received message adds, composed before it is written: events in order, their bodies, and the exact words told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yingda import words
from yingda.chance import Chance
from yingda.conversations.line import LineView
from yingda.conversations.policy import Policy
from yingda.db.event import SALT_BYTES, Fact, body_of, commitment, content_of, micros

if TYPE_CHECKING:  # a type only; receive imports this module
    from yingda.conversations.receive import Inbound


@dataclass(slots=True)
class Composed:
    """Parallel lists, one place per event; text, salt, code and params are None where the event has no line."""

    language: str
    zone: str
    kinds: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    salts: list[bytes | None] = field(default_factory=list)
    codes: list[str | None] = field(default_factory=list)
    params: list[dict[str, Any] | None] = field(default_factory=list)
    message_id: str = ""
    masked: tuple[str, ...] = ()

    def event(self, kind: str, actor: str, data: dict[str, int | str]) -> None:
        self._add(kind, body_of(Fact(kind, actor, data)), None, None, None, None)

    def line(self, kind: str, actor: str, data: dict[str, int | str], content: bytes, text: str, salt: bytes,
             code: str | None = None, params: dict[str, Any] | None = None) -> None:  # fmt: skip
        body = body_of(Fact(kind, actor, {**data, "content": commitment(salt, content)}))
        self._add(kind, body, text, salt, code, params)

    def _add(self, kind: str, body: bytes, text: str | None, salt: bytes | None, code: str | None,
             params: dict[str, Any] | None) -> None:  # fmt: skip
        self.kinds.append(kind)
        self.bodies.append(body)
        self.texts.append(text)
        self.salts.append(salt)
        self.codes.append(code)
        self.params.append(params)

    @property
    def message_salt(self) -> bytes:
        salt = self.salts[self.kinds.index("received")]
        assert salt is not None
        return salt

    def lines(self, message_seq: int, message_shown_seq: int, at: datetime) -> tuple[LineView, ...]:
        """The lines as written, without reading them back."""
        first = self.kinds.index("received")
        shown = message_shown_seq - 1
        views = []
        for offset in range(first, len(self.kinds)):
            text = self.texts[offset]
            if text is None:
                continue
            shown += 1
            message = offset == first
            views.append(
                LineView(message_seq + offset - first, shown, at, "message" if message else "system", self.codes[offset],
                         self.params[offset] or {}, "customer" if message else "desk", "", text, self.language, self.zone,
                         self.message_id if message else None, self.masked if message else ())
            )  # fmt: skip
        return tuple(views)


def compose(inbound: Inbound, policy: Policy, chance: Chance, number: int, due: datetime, owner: str, *,
            opens: bool, promises: bool) -> Composed:  # fmt: skip
    """`number`, `due` and `owner` as believed; `opens` a new conversation, `promises` when no promise is open."""
    language = words.language_for(inbound.language or inbound.viewer.language or policy.language)
    zone = words.zone_for(inbound.zone or inbound.viewer.zone, policy.zone)
    made = Composed(language, zone, message_id=inbound.message_id, masked=inbound.masked)
    if opens:
        made.event("opened", "customer", {"account": inbound.viewer.account_id})
    content = content_of(inbound.text, [f.sha256 for f in inbound.files])
    facts: dict[str, int | str] = {"files": len(inbound.files), "masked": ",".join(inbound.masked)}
    made.line("received", "customer", facts, content, inbound.text, chance.bytes(SALT_BYTES))
    if promises:
        kind = "first_response" if opens else "next_response"
        made.event("promised", "desk", {"promise": kind, "owner": owner, "due": micros(due)})
    if inbound.masked:
        text = words.sentence(language, "line.secret_masked", kinds=secret_kinds(language, inbound.masked))
        _system(made, chance, "secret_masked", {"kinds": ",".join(inbound.masked)}, {}, text)
    _receipt(made, policy, chance, number, due, owner)
    return made


def secret_kinds(language: str, kinds: tuple[str, ...]) -> str:
    return words.sentence(language, "list.and").join(words.sentence(language, f"secret.{kind}") for kind in kinds)


def _receipt(made: Composed, policy: Policy, chance: Chance, number: int, due: datetime, owner: str) -> None:
    text = words.sentence(
        made.language,
        "line.receipt",
        number=number,
        owner=policy.owner_words(owner, made.language),
        due=words.moment(made.language, made.zone, due),
    )
    # shown_through: how many lines after the message its receipt stands, so that a repeat can be answered alike.
    after = 2 if made.masked else 1
    params: dict[str, Any] = {"number": str(number), "owner": owner, "due": due.isoformat(), "shown_through": after}
    _system(made, chance, "receipt", {"owner": owner, "due": micros(due)}, params, text)


def _system(made: Composed, chance: Chance, code: str, data: dict[str, int | str], params: dict[str, Any], text: str) -> None:
    made.line(code, "desk", data, content_of(text, []), text, chance.bytes(SALT_BYTES), code, params or dict(data))
