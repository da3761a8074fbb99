"""The views of a text that the engine fuses, each a classifier of its own: its n-grams, and what each encoder makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yingda.answers import logistic, svm
from yingda.answers.encoder import encoder
from yingda.answers.ngrams import Counts, Ngrams, count
from yingda.answers.text import language

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

WAVES = 2048
LOGISTIC_COST = 30.0
SVM_COST = 1.0


@dataclass(frozen=True)
class Read:
    """Texts, read once by everything that reads: row i of each belongs to text i."""

    counts: tuple[Counts, ...]
    vectors: dict[str, Floats]
    is_chinese: NDArray[np.bool_]

    def rows(self, chosen: NDArray[np.int64]) -> Read:
        vectors = {name: matrix[chosen] for name, matrix in self.vectors.items()}
        return Read(tuple(self.counts[i] for i in chosen), vectors, self.is_chinese[chosen])

    def and_(self, other: Read) -> Read:
        vectors = {name: np.concatenate([matrix, other.vectors[name]]) for name, matrix in self.vectors.items()}
        return Read(self.counts + other.counts, vectors, np.concatenate([self.is_chinese, other.is_chinese]))


def read(texts: Sequence[str], encoders: Sequence[str]) -> Read:
    """Runs the encoders: never in the event loop."""
    return Read(
        tuple(count(text) for text in texts),
        {name: encoder(name).encode(texts) for name in encoders},
        np.array([language(text) == "zh-CN" for text in texts], bool),
    )


@dataclass(frozen=True)
class NgramView:
    """TF-IDF and a linear support vector machine: sure of words it has seen."""

    ngrams: Ngrams
    weights: Floats

    @classmethod
    def fit(cls, texts: Read, labels: Labels, classes: int) -> NgramView:
        ngrams = Ngrams.fit(texts.counts)
        rows = [ngrams.row(counts) for counts in texts.counts]
        return cls(ngrams, svm.train(rows, labels, classes, len(ngrams.numbers), SVM_COST))

    def scores(self, texts: Read) -> Floats:
        return svm.margins(self.weights, [self.ngrams.row(counts) for counts in texts.counts])


@dataclass(frozen=True)
class EncoderView:
    """Logistic regression on a frozen encoder: understands words it has not seen.

    The vectors pass through random Fourier features (Rahimi and Recht 2007), which give the straight boundary of the regression a
    Gaussian kernel. The waves are drawn from a fixed seed and kept in the model.
    """

    name: str
    waves: Floats  # (width + 1, WAVES); the phase in the last row
    weights: Floats
    centres: Floats  # (classes, width): each label's mean, of length one

    @classmethod
    def fit(cls, name: str, texts: Read, labels: Labels, classes: int) -> EncoderView:
        vectors = texts.vectors[name]
        waves = _waves(vectors.shape[1])
        weights = logistic.train(_wavy(vectors, waves), labels, classes, LOGISTIC_COST)
        centres = np.stack([vectors[labels == label].mean(axis=0) for label in range(classes)])
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
        return cls(name, waves, weights, centres.astype(np.float32))

    def scores(self, texts: Read) -> Floats:
        features = _wavy(texts.vectors[self.name], self.waves)
        return logistic.log_softmax(features @ self.weights[:-1] + self.weights[-1])

    def nearest(self, texts: Read) -> Floats:
        """The cosine to the nearest label's centre."""
        cosines: Floats = (texts.vectors[self.name] @ self.centres.T).max(axis=1)
        return cosines


def _waves(width: int) -> Floats:
    source = np.random.default_rng(width)
    return np.vstack([source.normal(size=(width, WAVES)), source.uniform(0, 2 * np.pi, (1, WAVES))]).astype(np.float32)


def _wavy(vectors: Floats, waves: Floats) -> Floats:
    waved: Floats = np.cos(vectors @ waves[:-1] + waves[-1]) * np.float32(np.sqrt(2 / WAVES))
    return waved


Views = tuple[NgramView, tuple[EncoderView, ...]]


def fit_all(texts: Read, labels: Labels, classes: int) -> Views:
    return (
        NgramView.fit(texts, labels, classes),
        tuple(EncoderView.fit(name, texts, labels, classes) for name in texts.vectors),
    )


def score_all(views: Views, texts: Read) -> Floats:
    """Shape (views, rows, classes)."""
    ngrams, encoders = views
    return np.stack([ngrams.scores(texts), *(view.scores(texts) for view in encoders)])
