"""Search by words: BM25 over the folded terms of title, keywords and text, with forgiveness for misspelt words.

The score is the share of what a page could reach at most that holds every word of the query often, so that it means the
same in a folder of ten pages and of ten thousand. BM25: Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009);
fields are weighed by counting their terms several times.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from yingda.knowledge.text import HAN_CHARACTER, terms, trigrams

Floats = NDArray[np.float32]

SATURATION, LENGTH_SHARE = 1.6, 0.75  # k1 and b
HAN_SINGLE_WEIGHT = 0.5  # a single character says less than a pair
QUERY_TERMS_MAX = 400
SPELLINGS_MAX = 3
SPELLING_LETTERS_MIN = 4
LIKENESS_MIN = 0.45  # Dice coefficient of letter trigrams
LIKENESS_WEIGHT = 0.7

NOWHERE: NDArray[np.int32] = np.zeros(0, np.int32)


class Postings:
    """Which term stands in which document, and what it is worth there."""

    def __init__(self, fields: Iterable[Sequence[tuple[str, float]]]) -> None:
        """`fields`: of each document, (folded text, how many times each of its terms counts)."""
        numbers: dict[str, array[int]] = defaultdict(lambda: array("i"))
        counts: dict[str, array[float]] = defaultdict(lambda: array("f"))
        lengths: list[float] = []
        for number, document in enumerate(fields):
            found: dict[str, float] = {}
            for text, weight in document:
                for term, times in Counter(terms(text)).items():
                    found[term] = found.get(term, 0.0) + times * weight
            lengths.append(sum(found.values()))
            for term, count in found.items():
                numbers[term].append(number)
                counts[term].append(count)
        self.size = len(lengths)
        self._documents = {term: np.frombuffer(entries, np.int32) for term, entries in numbers.items()}
        self._weigh({term: np.frombuffer(entries, np.float32) for term, entries in counts.items()}, np.array(lengths, np.float32))
        self._by_trigram = self._spellings()

    def _weigh(self, counts: dict[str, Floats], lengths: Floats) -> None:
        typical = max(float(lengths.mean()), 1.0) if self.size else 1.0
        slowness = (SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / typical)).astype(np.float32)
        self._worth: dict[str, Floats] = {}
        self._rarity: dict[str, float] = {}
        for term, times in counts.items():
            rarity = log(1 + (self.size - len(times) + 0.5) / (len(times) + 0.5))
            rarity *= HAN_SINGLE_WEIGHT if len(term) == 1 and HAN_CHARACTER.match(term) else 1.0
            self._rarity[term] = rarity
            self._worth[term] = times * np.float32(rarity) / (times + slowness[self._documents[term]])

    def _spellings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for term in self._documents:
            if len(term) >= SPELLING_LETTERS_MIN and not HAN_CHARACTER.match(term) and not term.isdecimal():
                for run in trigrams(term):
                    found[run].append(term)
        return found

    def holding(self, wanted: Iterable[str]) -> list[int]:
        """The documents that hold every one of these terms, in their order."""
        lists = sorted((self._documents.get(term, NOWHERE) for term in set(wanted)), key=len)
        common = lists[0] if lists else NOWHERE
        for numbers in lists[1:]:
            common = common[np.isin(common, numbers, assume_unique=True)]
        return [int(number) for number in common]

    def scores(self, folded: str) -> Floats:
        """Of each document 0 (no word of the query) to 1 (every word, often)."""
        total = np.zeros(self.size, np.float32)
        best = 0.0
        unknown = log(1 + 2 * self.size + 1)  # what a word is worth that stands nowhere
        for term in list(dict.fromkeys(terms(folded)))[:QUERY_TERMS_MAX]:
            spellings = {term: 1.0} if term in self._documents else self._alike(term)
            for spelling, weight in spellings.items():
                total[self._documents[spelling]] += weight * self._worth[spelling]
            is_single = len(term) == 1 and HAN_CHARACTER.match(term)
            best += max((self._rarity[s] for s in spellings), default=unknown * (HAN_SINGLE_WEIGHT if is_single else 1.0))
        return total / best if best else total

    def _alike(self, word: str) -> dict[str, float]:
        """Words of the index that are spelt almost like one that is not in it, with what each counts."""
        if len(word) < SPELLING_LETTERS_MIN or HAN_CHARACTER.match(word) or word.isdecimal():
            return {}
        runs = trigrams(word)
        shared = Counter(term for run in runs for term in self._by_trigram.get(run, ()))
        likeness = {term: 2 * count / (len(runs) + len(term)) for term, count in shared.items()}
        best = sorted((term for term in likeness if likeness[term] >= LIKENESS_MIN), key=lambda t: (-likeness[t], t))
        return {term: LIKENESS_WEIGHT * likeness[term] for term in best[:SPELLINGS_MAX]}
