"""One reading of a text for all rules: disguises undone, with the way back to the original positions.

Full-width and styled letters become plain ones (NFKD), accents and invisible characters are dropped, every script's
decimal digits become 0-9. BIP-39 itself compares words in NFKD.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

MASK = "●●●●"
BARRIER = "●"
_INVISIBLE = frozenset(("Cf", "Mn", "Me"))  # joiners, soft hyphens, accents, enclosing marks
_EXPANSION_CHARACTERS_MAX = 4  # one ligature of Arabic opens into 18 letters: ten thousand of them would be a burden


class Span(NamedTuple):
    """A secret in folded positions; `shown` are the digits of a card, of which the last may stay."""

    start: int
    end: int
    kind: str
    shown: str = ""


class Folded:
    """`plain` keeps case (keys need it), `lower` does not; both have the same length and share positions."""

    def __init__(self, original: str) -> None:
        self.original = original
        self._pieces = None if original.isascii() else [_FOLD[character] for character in original]
        self.plain = original if self._pieces is None else "".join(self._pieces)
        lower = self.plain.lower()
        self.lower = lower if len(lower) == len(self.plain) else "".join(map(_lower, self.plain))

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(map(len, self._pieces or [])))

    def original_range(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that `[start, end)` of the folded text was made from."""
        if self._pieces is None:
            return start, end
        return bisect_right(self._ends, start), bisect_right(self._ends, end - 1) + 1


def fold(text: str) -> Folded:
    return Folded(text)


def fold_word(word: str) -> str:
    """A word of a list as `Folded.lower` would show it."""
    return Folded(word).lower


def _lower(character: str) -> str:
    lower = character.lower()
    return lower if len(lower) == 1 else character


class _Fold(dict[str, str]):
    def __missing__(self, character: str) -> str:
        folded = self[character] = _fold_character(character)
        return folded


def _fold_character(character: str) -> str:
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    if character == "ı":  # Turkish keyboards; the Turkish list keeps its words apart without it
        return "i"
    opened = unicodedata.normalize("NFKD", character)
    kept = "".join(part for part in opened if unicodedata.category(part) not in _INVISIBLE)
    return kept if len(kept) <= _EXPANSION_CHARACTERS_MAX else character


_FOLD = _Fold()
