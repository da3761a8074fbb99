"""Search: any Chinese substring, from one character up, exactly; words with forgiveness; meaning across both languages.

A literal hit, the words (postings.py) and the meaning (meaning.py) are each on a scale that does not depend on how many pages
there are; the score is their weighted sum. A query that is one short Chinese term (among Chinese pages), or only signs, is looked
up literally and nothing else: what merely shares a character with it is no hit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yingda.conversations.text import clean
from yingda.knowledge.encoder import Encoder
from yingda.knowledge.meaning import Meaning
from yingda.knowledge.pages import Page
from yingda.knowledge.postings import Postings
from yingda.knowledge.text import HAN_CHARACTER, WORD, fold, is_han_term, terms

Floats = NDArray[np.float32]

QUERY_CHARACTERS_MAX = 4000
HAN_TERM_CHARACTERS_MAX = 2
TITLE_WEIGHT, KEYWORDS_WEIGHT, TEXT_WEIGHT = 3.0, 1.0, 1.0
WORDS_WEIGHT, MEAN_WEIGHT, NEAREST_WEIGHT = 0.6, 1.0, 0.5
LITERAL_WEIGHT, LITERAL_TITLE_WEIGHT = 0.3, 0.5
CHINESE_SHARE_MIN = 0.2  # of the pages
MEANING_MIN = 0.2  # the sum of both weighted cosines under which a page has nothing to do with the query
BETWEEN = "\x00"


@dataclass(frozen=True, slots=True)
class Hit:
    """`number` counts the pages as they were handed over, from 0. Scores order one answer; they are no probabilities."""

    number: int
    id: str
    score: float


class Index:
    """Pages held ready in memory. Building takes time, most of it encoding. It never changes, so threads may share it."""

    def __init__(self, pages: Sequence[Page], encoder: Encoder | None = None) -> None:
        """Without an encoder: literally and by words only."""
        self._ids = [page.id for page in pages]
        fields = [(fold(page.title), fold(page.keywords), fold(page.plain)) for page in pages]
        weights = (TITLE_WEIGHT, KEYWORDS_WEIGHT, TEXT_WEIGHT)
        self._postings = Postings([tuple(zip(texts, weights, strict=True)) for texts in fields])
        self._titles = [title for title, _, _ in fields]
        self._texts = ["\n".join(texts) for texts in fields]
        # In a folder of English pages a Chinese term stands nowhere as it is; there its meaning is all there is to go by.
        self._is_chinese = sum(HAN_CHARACTER.search(text) is not None for text in self._texts) >= len(pages) * CHINESE_SHARE_MIN
        self._joined, self._starts = BETWEEN.join(self._texts), _starts(self._texts)
        self._meaning = Meaning([(page.title, page.plain) for page in pages], encoder) if encoder is not None else None

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, query: str, top: int = 10) -> list[Hit]:
        """The best pages, best first, at most `top`. Any text is a query: there are no operators, and nothing is malformed."""
        query = clean(query[:QUERY_CHARACTERS_MAX])
        folded = fold(query)
        if not folded or not self._ids:
            return []
        literal = self._literal(folded)
        score = WORDS_WEIGHT * self._postings.scores(folded)
        found = score > 0
        score[literal] += LITERAL_WEIGHT
        score[[number for number in literal if folded in self._titles[number]]] += LITERAL_TITLE_WEIGHT
        if (self._is_chinese and is_han_term(folded, HAN_TERM_CHARACTERS_MAX)) or not WORD.search(folded):
            found[:] = False
        else:
            score, found = self._with_meaning(query, score, found)
        found[literal] = True
        return self._best(score, found, top)

    def _with_meaning(self, query: str, score: Floats, found: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
        if self._meaning is None:
            return score, found
        mean, nearest = self._meaning.scores(query)
        meaning = MEAN_WEIGHT * mean + NEAREST_WEIGHT * nearest
        return score + meaning, found | (meaning >= MEANING_MIN)

    def _best(self, score: Floats, found: NDArray[np.bool_], top: int) -> list[Hit]:
        numbers = np.flatnonzero(found)
        order = numbers[np.argsort(-score[numbers], kind="stable")][: max(top, 0)]
        return [Hit(int(number), self._ids[number], round(float(score[number]), 6)) for number in order]

    def _literal(self, folded: str) -> list[int]:
        """The pages in which the text stands as it is, in their order."""
        pairs = [term for term in terms(folded) if HAN_CHARACTER.match(term)]
        if pairs:
            # Every character and pair of characters is in the postings: a short term is answered by them, a long one narrowed.
            holding = self._postings.holding(pairs)
            exact = is_han_term(folded, HAN_TERM_CHARACTERS_MAX)
            return [number for number in holding if exact or folded in self._texts[number]]
        found: list[int] = []
        at = self._joined.find(folded)
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            found.append(number)
            if number + 1 == len(self._starts):
                break
            at = self._joined.find(folded, self._starts[number + 1])
        return found


def _starts(texts: list[str]) -> list[int]:
    """Where each text begins in all of them joined: one search in a long text is many times faster than many in short ones."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(BETWEEN)
    return starts
