"""Words and pieces of words as weighted counts: TF-IDF over word n-grams and, against typos, character n-grams.

An n-gram is known by the CRC-32 of its text, so that a model holds sorted numbers and no vocabulary of customers' words.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yingda.answers.text import fold

# A Chinese character is a word of its own here: its pairs and triples are the words of the language.
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[\u3400-\u9fff\uf900-\ufaff]|[^\W_]|[^\s\w]")
LATIN = re.compile(r"[a-z0-9']+\Z")
PIECE_MIN, PIECE_MAX = 2, 5

Row = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Columns, each once, and their weights."""

Counts = tuple[Counter[int], Counter[int]]
"""Of the words and of the pieces."""


def count(text: str) -> Counts:
    """The n-grams of a text. Punctuation is no word; an emoji is."""
    words = [word for word in WORD.findall(fold(text)) if word[0].isalnum() or ord(word[0]) > 0x2100]
    return Counter(map(_number, _runs(words))), Counter(_number("#" + piece) for word in words for piece in _pieces(word))


def _runs(words: Sequence[str]) -> Iterable[str]:
    yield from words
    yield from (f"{a} {b}" for a, b in pairwise(words))
    # Three Chinese characters are about as long as two English words.
    for a, b, c in zip(words, words[1:], words[2:], strict=False):
        if not (LATIN.match(a) and LATIN.match(b) and LATIN.match(c)):
            yield f"{a} {b} {c}"


def _pieces(word: str) -> Iterable[str]:
    if not LATIN.match(word):
        return
    padded = f" {word} "
    for length in range(PIECE_MIN, PIECE_MAX + 1):
        if length >= len(padded):
            yield padded
            return
        yield from (padded[i : i + length] for i in range(len(padded) - length + 1))


def _number(gram: str) -> int:
    return zlib.crc32(gram.encode("utf-8", "replace"))


@dataclass(frozen=True)
class Ngrams:
    """`numbers`: the known n-grams, sorted; `idf`: the weight of each."""

    numbers: NDArray[np.uint32]
    idf: NDArray[np.float32]

    @classmethod
    def fit(cls, counts: Iterable[Counts]) -> Ngrams:
        """The n-grams of a set of texts with smoothed inverse document frequencies, ln((1 + n) / (1 + df)) + 1."""
        seen: Counter[int] = Counter()
        total = 0
        for words, pieces in counts:
            seen.update(words.keys())
            seen.update(pieces.keys())
            total += 1
        numbers = np.array(sorted(seen), np.uint32)
        frequency = np.array([seen[number] for number in numbers.tolist()], np.float64)
        return cls(numbers, (np.log((1 + total) / (1 + frequency)) + 1).astype(np.float32))

    def row(self, counts: Counts) -> Row:
        """Known n-grams as (1 + ln count) x idf; the words and the pieces each of length one."""
        parts = [self._part(part) for part in counts]
        columns, order = np.unique(np.concatenate([part[0] for part in parts]), return_index=True)
        return columns, np.concatenate([part[1] for part in parts])[order]

    def known(self, counts: Counts) -> float:
        """The share of the words (single and in runs) that the examples hold, 0 to 1."""
        return len(self._part(counts[0])[0]) / max(len(counts[0]), 1)

    def _part(self, part: Counter[int]) -> Row:
        if not part or not len(self.numbers):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        numbers = np.fromiter(part.keys(), np.uint32, len(part))
        counts = np.fromiter(part.values(), np.float32, len(part))
        places = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        known = self.numbers[places] == numbers
        places = places[known]
        weights = (1 + np.log(counts[known])) * self.idf[places]
        length = float(np.sqrt(weights @ weights))
        return places, (weights / length if length else weights).astype(np.float32)
