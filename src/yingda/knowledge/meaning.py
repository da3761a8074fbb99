"""Search by meaning: each page as the vectors of its passages, and their mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yingda.knowledge.encoder import Encoder
from yingda.knowledge.text import HAN_CHARACTER, simplified

Floats = NDArray[np.float32]

PASSAGE_WIDTH_MAX = 400  # in letters; a Han character counts as two
HAN_WIDTH = 2
PASSAGES_PER_PAGE_MAX = 10
# Encoding is what takes long when a folder is read: of very many pages only the beginnings are.
PASSAGES_MAX, SHORT_PASSAGE_WIDTH = 12_000, 120
PARAGRAPH = re.compile(r"\n\s*\n")
BATCH = 256
QUERY_CHARACTERS_MAX = 1000


def passages(text: str, width_max: int = PASSAGE_WIDTH_MAX) -> list[str]:
    """Neighbouring paragraphs together, up to the width; a longer paragraph is cut."""
    limit = width_max // HAN_WIDTH if len(HAN_CHARACTER.findall(text)) * 4 > len(text) else width_max
    found: list[str] = []
    current = ""
    for paragraph in PARAGRAPH.split(text):
        words = " ".join(paragraph.split())
        if current and len(current) + len(words) > limit:
            found.append(current)
            current = ""
        current = f"{current} {words}".strip()
        while len(current) > limit * 3 // 2:
            found.append(current[:limit])
            current = current[limit:]
    return [*found, current] if current else found


class Meaning:
    """The vectors of a folder."""

    def __init__(self, texts: Sequence[tuple[str, str]], encoder: Encoder) -> None:
        """`texts`: (title, text) of each page. The title is a passage of its own."""
        self._encoder = encoder
        count = max(min(PASSAGES_MAX // max(len(texts), 1), PASSAGES_PER_PAGE_MAX), 1)
        whole = count > 1
        width = PASSAGE_WIDTH_MAX if whole else SHORT_PASSAGE_WIDTH
        pieces = [_pieces(title, text[: count * PASSAGE_WIDTH_MAX * 2], width, count) for title, text in texts]
        flat = [simplified(piece) for page in pieces for piece in page]
        batches = [encoder.encode(flat[start : start + BATCH]) for start in range(0, len(flat), BATCH)]
        self._passages: Floats = np.concatenate(batches) if batches else np.zeros((0, 1), np.float32)
        counts = np.array([len(page) for page in pieces], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64) if len(counts) else counts
        sums = np.add.reduceat(self._passages, self._starts) if len(counts) else self._passages
        self._means: Floats = (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def scores(self, query: str) -> tuple[Floats, Floats]:
        """(cosine with the mean of each page, cosine with its nearest passage)."""
        if not len(self._starts):
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        vector = self._encoder.encode([simplified(query[:QUERY_CHARACTERS_MAX])])[0]
        nearest: Floats = np.maximum.reduceat(self._passages @ vector, self._starts)
        return (self._means @ vector).astype(np.float32), nearest


def _pieces(title: str, text: str, width: int, count: int) -> list[str]:
    if count == 1:
        return [f"{title}. {' '.join(text.split())}"[:width]]
    return [title, *passages(text, width)][:count] if title.strip() else passages(text, width)[:count] or ["."]
