"""What a message looks like to the engine: cleaned, folded to one script and one case, its language named."""

from __future__ import annotations

import re
import unicodedata

from yingda.knowledge import text as shared

CHARACTERS_MAX = 2_000
"""A message is understood by its beginning; nobody's question needs more, and time is bounded by it."""

LATIN_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?", re.IGNORECASE)
LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
REPEATED = re.compile(r"(.)\1{2,}", re.DOTALL)
LONG_NUMBER = re.compile(r"\d{5,}")
# Joiners, variation selectors, direction marks and skin tones change how a sign looks, not what is meant.
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff]")
EMOJI_WORDS = {"🆘": " help ", "☎": " call ", "📞": " call ", "💳": " card ", "🔒": " locked ", "💸": " money ", "💰": " money "}


def clean(text: str) -> str:
    """NFKC (full width to half), without control signs, invisible signs and halves of surrogate pairs; one space at a time."""
    text = unicodedata.normalize("NFKC", text[:CHARACTERS_MAX])
    text = INVISIBLE.sub("", text)
    kept = (" " if unicodedata.category(sign) in ("Cc", "Cs", "Cn", "Co") else sign for sign in text)
    return " ".join("".join(kept).split())


def plain(text: str) -> str:
    """Cleaned, and in simplified characters; what an encoder reads."""
    return shared.simplified(clean(text))


def fold(text: str) -> str:
    """Plain, lower case, "sooooo" as "soo"; a link and a long number are each one word."""
    text = plain(text).casefold()
    for sign, word in EMOJI_WORDS.items():
        text = text.replace(sign, word)
    text = REPEATED.sub(r"\1\1", LINK.sub(" http ", text)).replace("’", "'")
    return " ".join(LONG_NUMBER.sub(" 00000 ", text).split())


def language(text: str) -> str:
    """`zh-CN` or `en`: that of the greater part, a Chinese character weighing as much as half a word.

    A sentence with Chinese grammar around foreign names ("我的 USDT 用 TRC20 转错了") is Chinese.
    """
    text = clean(text)
    han, words = len(shared.HAN_CHARACTER.findall(text)), len(LATIN_WORD.findall(LINK.sub(" ", text)))
    return "zh-CN" if han * 0.5 > words * 0.5 or (han >= 4 and han * 1.5 >= words) else "en"
