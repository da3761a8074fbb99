"""How the chat API shows things: LINE, PROMISE and the answer to a message, as docs/chat-api.md states them."""

from __future__ import annotations

from typing import Any

from yingda.conversations.line import LineView
from yingda.conversations.policy import Policy
from yingda.conversations.promise import PromiseView
from yingda.conversations.receive import Received


def line_json(line: LineView) -> dict[str, Any]:
    """LINE: only what a customer may see; no seq, no staff number."""
    return {
        "shown_seq": line.shown_seq,
        "at": line.at,
        "kind": line.kind,
        "code": line.code,
        "params": {k: v for k, v in line.params.items() if k != "agent"},
        "author": {"kind": line.author_kind, "name": line.author_name},
        "text": line.text,
        "language": line.language,
        "message_id": line.message_id,
        "masked": list(line.masked),
        "files": [{"file": f.file, "name": f.name, "type": f.type, "size": f.size} for f in line.files],
    }


def promise_json(promise: PromiseView | None) -> dict[str, Any] | None:
    return None if promise is None else {"owner": promise.owner_words, "due": promise.due, "late": promise.late}


def received_json(received: Received, message_id: str, receipt: dict[str, Any], policy: Policy) -> dict[str, Any]:
    owner = policy.owner_words(received.owner, received.language)
    return {
        "message_id": message_id,
        "conversation": received.conversation,
        "number": str(received.conversation),
        "seq": received.seq,
        "shown_seq": received.shown_seq,
        "latest_shown_seq": received.latest_shown_seq,
        "masked": list(received.masked),
        "lines": [line_json(line) for line in received.lines],
        "receipt": receipt,
        "promise": {"owner": owner, "due": received.due, "late": received.due <= received.at},
    }
