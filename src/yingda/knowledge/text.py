"""What search takes for the same text: full width and half width, traditional and simplified, capitals and small letters."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib import resources

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
HAN_CHARACTER = re.compile(f"[{HAN}]")
WORD = re.compile(f"[{HAN}]+|[^\\W_{HAN}]+(?:'[^\\W_{HAN}]+)?")
BLANK = re.compile(r"\s+")
# Simplified characters that writers exchange, and which the tables of traditional ones leave apart.
VARIANTS = {"帐": "账", "妳": "你", "啰": "罗", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "－": "-", "–": "-", "—": "-"}
# Too frequent in questions to tell pages apart.
STOP_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "how", "i", "if", "in",
    "is", "it", "its", "my", "not", "of", "on", "or", "that", "the", "this", "to", "what", "when", "where", "which",
    "who", "why", "will", "with", "you", "your",
})  # fmt: skip
STEM_LETTERS_MIN = 3
ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", ""))


@cache
def _simplified() -> dict[int, str]:
    """Character by character, not phrase by phrase: a part of a text must fold to a part of the folded text."""
    lines = (resources.files("yingda.knowledge") / "data" / "simplified.txt").read_text("utf-8").splitlines()
    traditional, simple = (line for line in lines if not line.startswith("#"))
    table = {ord(before): VARIANTS.get(after, after) for before, after in zip(traditional, simple, strict=True)}
    return table | {ord(before): after for before, after in VARIANTS.items()}


def simplified(text: str) -> str:
    """Compatibility forms and traditional characters as the plain, simplified ones; capitals stay."""
    return unicodedata.normalize("NFKC", text).translate(_simplified())


def fold(text: str) -> str:
    """One spelling for what readers take for the same; punctuation stays, every run of blanks is one."""
    return BLANK.sub(" ", simplified(text).casefold()).strip()


@lru_cache(maxsize=65_536)  # the words of a folder are few
def stem(word: str) -> str:
    """An English word without its commonest endings. Light: what it cuts, it cuts in question and page alike."""
    if len(word) <= STEM_LETTERS_MIN or not word.isascii():
        return word
    for ending, instead in ENDINGS:
        if word.endswith(ending) and not word.endswith(("ss", "us", "is")) and len(word) - len(ending) >= STEM_LETTERS_MIN:
            word = word[: -len(ending)] + instead
            break
    if len(word) > STEM_LETTERS_MIN + 1 and word.endswith("e"):
        word = word[:-1]
    doubled = len(word) > STEM_LETTERS_MIN and word[-1] == word[-2] and word[-1] not in "sl"
    return word[:-1] if doubled else word


def terms(folded: str) -> list[str]:
    """What an index counts of folded text: single Han characters and pairs of neighbours, stems of other words."""
    found: list[str] = []
    for word in WORD.findall(folded):
        if HAN_CHARACTER.match(word):
            found += word
            found += (word[i : i + 2] for i in range(len(word) - 1))
        elif word not in STOP_WORDS:
            found.append(stem(word.removesuffix("'s")))
    return found


def is_han_term(folded: str, characters_max: int) -> bool:
    """Whether the text is one short Chinese term and nothing else."""
    return len(folded) <= characters_max and all(HAN_CHARACTER.match(character) for character in folded)


def trigrams(word: str) -> frozenset[str]:
    """The runs of three letters in a word with its borders: how alike two spellings are."""
    bordered = f"\x02{word}\x03"
    return frozenset(bordered[i : i + 3] for i in range(len(bordered) - 2))
