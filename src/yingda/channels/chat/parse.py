"""Hop 3 of the chat: a body becomes an `Inbound`, with secrets masked before anything readable is stored."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec

from yingda.conversations.files import FileRef
from yingda.conversations.receive import Inbound
from yingda.conversations.secrets import mask
from yingda.conversations.text import clean
from yingda.errors import Refused
from yingda.people.viewer import CustomerViewer

BODY_BYTES_MAX = 64 * 1024
TEXT_CHARACTERS_MAX = 10_000

# One escape of a JSON string, whole, so that an escaped backslash hides nothing; the group is half of a surrogate pair.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_WHERE = re.compile(r" - at `\$\.?([^`]*)`")


class Message(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    message_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
    text: str = ""
    files: list[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]] = []
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Shown(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    conversation: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    shown_seq: Annotated[int, msgspec.Meta(ge=0, le=2**62)]


T = TypeVar("T")
_messages = msgspec.json.Decoder(Message)
_showns = msgspec.json.Decoder(Shown)


def message_of(body: bytes) -> Message:
    """Refused: body_too_large (413), body_not_json, field_wrong with the field in `where`, text_empty, text_too_long."""
    if len(body) > BODY_BYTES_MAX:
        raise Refused("body_too_large", "body", status=413)
    message = _decoded(_messages, body)
    text = clean(message.text)
    if not text.strip() and not message.files:
        raise Refused("text_empty", "text")
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Refused("text_too_long", "text")
    return msgspec.structs.replace(message, text=text)


def shown_of(body: bytes) -> Shown:
    return _decoded(_showns, body)


def without_halves(body: bytes) -> bytes:
    """JSON in which every half of a surrogate pair is U+FFFD: a browser escapes halves, and a text cut in the middle of an
    emoji must not be refused for good."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda m: b"\\ufffd" if m[1] else m[0], body)


def inbound_of(viewer: CustomerViewer, message: Message, files: tuple[FileRef, ...]) -> Inbound:
    masked = mask(message.text)
    return Inbound(viewer, message.message_id, masked.text, masked.kinds, files, message.language, message.zone)


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(without_halves(body))
    except msgspec.ValidationError as error:
        found = _WHERE.search(str(error))
        raise Refused("field_wrong", found[1] if found else "body", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("body_not_json", "body") from error
