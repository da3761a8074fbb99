"""Train a model: every view on all examples, and what may be promised about it on examples that the views have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from yingda.answers import logistic
from yingda.answers.encoder import ENGINES
from yingda.answers.examples import Example
from yingda.answers.model import OUT_OF_SCOPE, TOPICS_MIN, Calibration, Model, fuse, ranked, signs, surroundings, surroundings_of
from yingda.answers.precision import AIMS, threshold_for, threshold_with_oos
from yingda.answers.views import Floats, KernelView, Labels, LeftOut, LineView, NgramView, Read, View, Views, read
from yingda.errors import Refused

FOLDS = 8
TARGET_PRECISION = 0.98
HEAD_COST = 1.0
VALIDATION_ALONE_ROWS = 1_000
"""From so many rows on, a validation file alone tells what may be promised, and no folds are trained."""

NAME_HELPS_BELOW = 30
"""A label with fewer examples than this has its own name ("card_arrival": card arrival) as one more."""

ROUNDS = 3
LIKELIHOOD_WEIGHT = 0.1
SCALES = np.geomspace(0.25, 2.0, 25).astype(np.float32)
FUSION_STEPS = np.array([0.0, 0.12, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0], np.float32)


@dataclass(frozen=True)
class HeldOut:
    """Examples that the views which scored them had not seen. A label is -1 where no topic is right."""

    labels: Labels
    scores: Floats  # (views, rows, classes)
    around: Floats
    is_chinese: NDArray[np.bool_]

    def and_(self, other: HeldOut) -> HeldOut:
        return HeldOut(
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.scores, other.scores], axis=1),
            np.concatenate([self.around, other.around]),
            np.concatenate([self.is_chinese, other.is_chinese]),
        )


def train(
    examples: Sequence[Example],
    engine: str = "default",
    target_precision: float | None = None,
    validation: Sequence[Example] = (),
    folds: int = FOLDS,
) -> Model:
    """Deterministic: the same examples in the same order give the same model. Encoders run here: never in the event loop.

    Without `target_precision` the threshold is set for 0.98; where validation holds out-of-scope rows, for both shares at once.
    Refused `labels_too_few`.
    """
    names = tuple(sorted({example.label for example in examples}))
    if len([name for name in names if name != OUT_OF_SCOPE]) < TOPICS_MIN:
        raise Refused("labels_too_few", "label")
    encoders = ENGINES[engine]
    with threadpool_limits(1):
        texts = read([example.text for example in examples], encoders)
        labels = np.array([names.index(example.label) for example in examples], np.int64)
        extra, extra_labels = _label_names(names, labels, encoders)
        material = Material(texts.and_(extra), np.concatenate([labels, extra_labels]), len(labels), names)
        views, left_out = _fit(material)
        held = _validated(views, validation, names, encoders) if validation else None
        base = held
        if held is None or len(held.labels) < VALIDATION_ALONE_ROWS:
            folded = _unseen(material, left_out, folds)
            base = folded if held is None else folded.and_(held)
        assert base is not None
        calibration = _calibrate(base, names)
        thresholds, threshold = _thresholds(calibration, held or base, names, target_precision)
    return Model(names, engine, views, calibration, threshold, thresholds)


@dataclass(frozen=True)
class Material:
    """All that is learnt from: the first `rows` are examples, the rest names of labels."""

    texts: Read
    labels: Labels
    rows: int
    names: tuple[str, ...]


def _fit(material: Material) -> tuple[Views, list[LeftOut]]:
    classes = len(material.names)
    ngrams, lines = _fit_folded(material.texts, material.labels, classes)
    fitted = [KernelView.fit(name, material.texts, material.labels, classes) for name in material.texts.vectors]
    return Views(ngrams, lines, tuple(view for view, _ in fitted)), [left_out for _, left_out in fitted]


def _fit_folded(texts: Read, labels: Labels, classes: int) -> tuple[NgramView, tuple[LineView, ...]]:
    """The views that tell by folds what they would say of unseen texts."""
    lines = tuple(LineView.fit(name, texts, labels, classes) for name in texts.vectors)
    return NgramView.fit(texts, labels, classes), lines


def _label_names(names: tuple[str, ...], labels: Labels, encoders: Sequence[str]) -> tuple[Read, Labels]:
    few = np.bincount(labels, minlength=len(names)) < NAME_HELPS_BELOW
    spoken = [(i, " ".join(name.replace("_", " ").replace("-", " ").replace(".", " ").split())) for i, name in enumerate(names)]
    used = [(i, words) for i, words in spoken if few[i] and names[i] != OUT_OF_SCOPE and any(map(str.isalpha, words))]
    return read([words for _, words in used], encoders), np.array([i for i, _ in used], np.int64)


def _validated(views: Views, validation: Sequence[Example], names: tuple[str, ...], encoders: Sequence[str]) -> HeldOut:
    texts = read([example.text for example in validation], encoders)
    inside = {name: i for i, name in enumerate(names) if name != OUT_OF_SCOPE}
    labels = np.array([inside.get(example.label, -1) for example in validation], np.int64)
    return HeldOut(labels, views.scores(texts), surroundings(views, texts), texts.is_chinese)


def _folds(labels: Labels, fold_count: int) -> NDArray[np.int64]:
    """A fold for each row, every label spread over all; -1 for the only example of a label, which is never held out."""
    folds, source = np.full(len(labels), -1, np.int64), np.random.default_rng(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            folds[source.permutation(rows)] = (np.arange(len(rows)) + source.integers(fold_count)) % fold_count
    return folds


def _unseen(material: Material, left_out: Sequence[LeftOut], fold_count: int) -> HeldOut:
    """Every example as the views would see it had they not learnt from it: kernels by leaving one out, the others by folds."""
    classes, labels = len(material.names), material.labels
    folds = np.full(len(labels), -1, np.int64)
    folds[: material.rows] = _folds(labels[: material.rows], fold_count)
    folded = np.zeros((1 + len(left_out), len(labels), classes), np.float32)
    known = np.zeros(len(labels), np.float32)
    for fold in range(fold_count):
        held, kept = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if len(held):
            ngrams, lines = _fit_folded(material.texts.rows(kept), labels[kept], classes)
            seen = material.texts.rows(held)
            views: tuple[View, ...] = (ngrams, *lines)
            folded[:, held] = np.stack([view.scores(seen) for view in views])
            known[held] = ngrams.known(seen)
    rows = np.flatnonzero(folds >= 0)
    if not len(rows):
        raise Refused("examples_too_few", "label")
    texts = material.texts.rows(rows)
    outside = material.names.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in material.names else -1
    scores = np.concatenate([folded[:, rows], np.stack([view.scores[rows] for view in left_out])])
    around = surroundings_of(known[rows], texts, [view.nearest[rows] for view in left_out])
    return HeldOut(np.where(labels[rows] == outside, -1, labels[rows]), scores, around, texts.is_chinese)


def _calibrate(held: HeldOut, names: tuple[str, ...]) -> Calibration:
    fusion = _fusion(held)
    logs = fuse(held.scores, fusion)
    right = ranked(logs, names)[:, 0] == held.labels
    found = signs(logs, held.scores, held.around, held.is_chinese, names)
    middle, spread = found.mean(axis=0), np.maximum(found.std(axis=0), 1e-3)
    # Two imagined rows, one right and one wrong, at the middle: held-out rows that are all right must not make it certain.
    scaled = np.vstack([(found - middle) / spread, np.zeros((2, found.shape[1]), np.float32)]).astype(np.float32)
    head = logistic.train(scaled, np.append(right, [0, 1]).astype(np.int64), 2, HEAD_COST)
    return Calibration(fusion, head, middle.astype(np.float32), spread.astype(np.float32))


def _fusion(held: HeldOut) -> Floats:
    """The weights of the views: one after the other along a grid; then all at once, so that the beliefs mean what they say.

    They are sought for the share of right answers expected, which is what is wanted, and only a little for the likelihood of the
    labels, which a few confident errors rule.
    """
    inside = held.labels >= 0
    labels, scores = held.labels[inside], held.scores[:, inside]

    def likelihood(fusion: Floats) -> Floats:
        logs: Floats = fuse(scores, fusion)[np.arange(len(labels)), labels]
        return logs

    def worth(fusion: Floats) -> float:
        logs = likelihood(fusion)
        return float(np.exp(logs).mean() + LIKELIHOOD_WEIGHT * logs.mean())

    fusion = np.ones(len(scores), np.float32)
    for _ in range(ROUNDS):
        for view in range(len(fusion)):
            tried = [np.concatenate([fusion[:view], [step], fusion[view + 1 :]]).astype(np.float32) for step in FUSION_STEPS]
            fusion = max(tried, key=worth)
    scaled = [(fusion * scale).astype(np.float32) for scale in SCALES]
    return max(scaled, key=lambda fusion: float(likelihood(fusion).mean()))


def _thresholds(
    calibration: Calibration, held: HeldOut, names: tuple[str, ...], target: float | None
) -> tuple[dict[str, float], float]:
    logs = fuse(held.scores, calibration.fusion)
    right = ranked(logs, names)[:, 0] == held.labels
    confidence = calibration.confidence(signs(logs, held.scores, held.around, held.is_chinese, names))
    fixed = {f"{aim:.2f}": threshold_for(confidence, right, aim) for aim in AIMS}
    inside = held.labels >= 0
    if target is None and not inside.all() and inside.any():
        return fixed, threshold_with_oos(confidence, right, inside)
    return fixed, threshold_for(confidence, right, target or TARGET_PRECISION)
