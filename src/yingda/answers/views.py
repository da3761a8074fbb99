"""The views of a text that the engine fuses, each a classifier of its own: its n-grams, and what each encoder makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yingda.answers import logistic, ridge, svm
from yingda.answers.encoder import encoder
from yingda.answers.ngrams import Counts, Ngrams, count
from yingda.answers.text import language

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

WAVES = 2048
FREQUENCY = 1.5
"""The inverse of the kernel's width: vectors of length one differ by at most two."""

PENALTY = 0.3
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


class View(Protocol):
    def scores(self, texts: Read) -> Floats:
        """For each text and class, shape (rows, classes); the higher the likelier."""
        ...


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

    def known(self, texts: Read) -> Floats:
        """The share of each text's words that the examples hold."""
        return np.array([self.ngrams.known(counts) for counts in texts.counts], np.float32)

    def scores(self, texts: Read) -> Floats:
        return svm.margins(self.weights, [self.ngrams.row(counts) for counts in texts.counts])


@dataclass(frozen=True)
class LineView:
    """Logistic regression on a frozen encoder: straight borders, and the best sense of what lies outside all of them."""

    name: str
    weights: Floats  # (width + 1, classes); the bias in the last row

    @classmethod
    def fit(cls, name: str, texts: Read, labels: Labels, classes: int) -> LineView:
        return cls(name, logistic.train(texts.vectors[name], labels, classes, LOGISTIC_COST))

    def scores(self, texts: Read) -> Floats:
        found: Floats = texts.vectors[self.name] @ self.weights[:-1] + self.weights[-1]
        return found


@dataclass(frozen=True)
class KernelView:
    """Regularised least squares on a frozen encoder: understands words it has not seen, from few examples.

    The vectors pass through random Fourier features (Rahimi and Recht 2007), which give its straight boundary a Gaussian kernel.
    The waves are drawn from a fixed seed and kept in the model.
    """

    name: str
    waves: Floats  # (width + 1, WAVES); the phase in the last row
    weights: Floats
    centres: Floats  # (classes, width): each label's mean, of length one

    @classmethod
    def fit(cls, name: str, texts: Read, labels: Labels, classes: int) -> tuple[KernelView, LeftOut]:
        """With what it would say of each text had it not seen that one."""
        vectors = texts.vectors[name]
        waves = _waves(vectors.shape[1])
        weights, left_out = ridge.train(_wavy(vectors, waves), labels, classes, PENALTY)
        sums = np.zeros((classes, vectors.shape[1]), np.float32)
        np.add.at(sums, labels, vectors)
        view = cls(name, waves, weights, _unit(sums))
        return view, LeftOut(left_out, view.nearest_left_out(vectors, labels, sums))

    def scores(self, texts: Read) -> Floats:
        found: Floats = _wavy(texts.vectors[self.name], self.waves) @ self.weights
        return found

    def nearest(self, texts: Read) -> Floats:
        """The cosine to the nearest label's centre."""
        cosines: Floats = (texts.vectors[self.name] @ self.centres.T).max(axis=1)
        return cosines

    def nearest_left_out(self, vectors: Floats, labels: Labels, sums: Floats) -> Floats:
        """`nearest`, each row's own label's centre being that of the other rows."""
        cosines = vectors @ self.centres.T
        cosines[np.arange(len(labels)), labels] = np.einsum("ij,ij->i", vectors, _unit(sums[labels] - vectors))
        nearest: Floats = cosines.max(axis=1)
        return nearest


@dataclass(frozen=True)
class LeftOut:
    scores: Floats
    nearest: Floats


def _unit(rows: Floats) -> Floats:
    unit: Floats = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return unit


def _waves(width: int) -> Floats:
    source = np.random.default_rng(width)
    waves = source.normal(scale=FREQUENCY, size=(width, WAVES))
    return np.vstack([waves, source.uniform(0, 2 * np.pi, (1, WAVES))]).astype(np.float32)


def _wavy(vectors: Floats, waves: Floats) -> Floats:
    waved: Floats = np.cos(vectors @ waves[:-1] + waves[-1]) * np.float32(np.sqrt(2 / WAVES))
    return waved


@dataclass(frozen=True)
class Views:
    """In this order wherever scores of views are stacked: n-grams, a line for each encoder, a kernel for each encoder."""

    ngrams: NgramView
    lines: tuple[LineView, ...]
    kernels: tuple[KernelView, ...]

    def scores(self, texts: Read) -> Floats:
        """Shape (views, rows, classes)."""
        views: tuple[View, ...] = (self.ngrams, *self.lines, *self.kernels)
        return np.stack([view.scores(texts) for view in views])
