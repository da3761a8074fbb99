"""The BIP-39 word lists as the rules read them: folded, with the four-letter forms wallets accept, as index per word."""

from __future__ import annotations

from hashlib import sha256
from itertools import takewhile
from pathlib import Path

from mnemonic import Mnemonic

from yingda.conversations.masking.folding import fold_word

PHRASE_LENGTHS = (24, 21, 18, 15, 12)  # BIP-39: 128 to 256 bits of entropy with one checksum bit for each 32
_ABBREVIATED_LETTERS = 4
_CHINESE = ("chinese_simplified", "chinese_traditional")


def _ordinary(section: str) -> frozenset[str]:
    text = (Path(__file__).parent.parent / "data" / "ordinary_words.txt").read_text("utf-8")
    lines = text.split(f"[{section}]\n", 1)[1].splitlines()
    kept = takewhile(lambda line: not line.startswith("["), lines)
    return frozenset(word for line in kept if not line.startswith("#") for word in line.split())


# They count as list words, but never enough to make a phrase by themselves (counted in two public sets of bank questions and
# a wallet's help pages).
COMMON = _ordinary("english") | _ordinary("units")
# What a Chinese sentence of twelve characters or more can hardly do without.
EVERYDAY_HAN = _ordinary("han")
REMARKS = _ordinary("remarks")


def _indices(language: str) -> dict[str, int]:
    words = [fold_word(word) for word in Mnemonic(language).wordlist]
    abbreviated = {word[:_ABBREVIATED_LETTERS]: index for index, word in enumerate(words) if word.isascii()}
    return abbreviated | {word: index for index, word in enumerate(words)}


_LANGUAGES = sorted(language for language in Mnemonic.list_languages() if language not in _CHINESE)
ALPHABETIC = {language: _indices(language) for language in sorted(_LANGUAGES, key=lambda language: language != "english")}
ENGLISH = ALPHABETIC["english"]
EVERY_WORD = frozenset().union(*ALPHABETIC.values())
# The two Chinese lists share 1,275 characters, each at the same place in both: one table serves both, and a mixture.
HAN = {character: index for language in _CHINESE for character, index in _indices(language).items()}


def checksum_holds(indices: list[int]) -> bool:
    """Whether the words at `indices` (12, 15, 18, 21 or 24 of them) end in their BIP-39 checksum."""
    checksum_bits = len(indices) // 3
    number = 0
    for index in indices:
        number = number << 11 | index
    entropy = (number >> checksum_bits).to_bytes(len(indices) * 4 // 3, "big")
    return sha256(entropy).digest()[0] >> (8 - checksum_bits) == number & ((1 << checksum_bits) - 1)


def contains_valid(indices: list[int]) -> bool:
    """Whether some stretch of a phrase's length within `indices` has a right checksum; among 48 one has, by chance alone."""
    return len(indices) > 2 * PHRASE_LENGTHS[0] or any(
        checksum_holds(indices[start : start + length]) for length in PHRASE_LENGTHS for start in range(len(indices) - length + 1)
    )
