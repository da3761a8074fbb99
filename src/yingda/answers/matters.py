"""The parts of a message that may each be a matter of its own."""

from __future__ import annotations

import re

from yingda.answers.text import clean
from yingda.knowledge.text import HAN_CHARACTER

PARTS_MAX = 6
WIDTH_MIN = 12
"""In letters, a Chinese character counting as two and a half: "okay thanks" is no matter."""

BORDER = re.compile(
    r"(?<=[.!?;。！？；])\s*"
    r"|,?\s+(?:and\s+)?(?=(?:also|and another|second(?:ly)?|another (?:thing|question)|besides|on top of that)\b)"
    r"|\s+and\s+(?=(?:how|what|why|when|where|can|could|do)\b)"
    r"|[,，]?(?=(?:另外|还有|其次|第二|同时|顺便|以及|再问|此外|而且))",
    re.IGNORECASE,
)


def parts(text: str) -> list[str]:
    """Sentences, and clauses that begin as another matter does; the whole when it is only one."""
    found = [part.strip(" ,，") for part in BORDER.split(clean(text)) if part]
    wide = [part for part in found if _width(part) >= WIDTH_MIN]
    return wide[:PARTS_MAX]


def _width(text: str) -> float:
    return len(text) + 1.5 * len(HAN_CHARACTER.findall(text))
