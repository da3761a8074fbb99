"""A trained model: what topic a message has, how sure that is, and from which confidence on the bot may speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from yingda.answers import model_file
from yingda.answers.encoder import WIDTHS
from yingda.answers.logistic import log_softmax
from yingda.answers.ngrams import Ngrams
from yingda.answers.views import Floats, KernelView, LineView, NgramView, Read, Views, read

OUT_OF_SCOPE = "oos"
"""The label of examples that no topic covers."""

LEAD_MAX = 12.0
TOPICS_MIN = 2
AROUND = 2
"""Columns of `surroundings` besides one for each encoder."""

SIGNS = 7
"""Columns of `signs` besides two for each encoder."""

CONFIDENCE_MAX = np.float32(0.9999)


@dataclass(frozen=True)
class Guess:
    """For each text: topics from the best on (indices into `labels`, never out of scope), and how sure the first one is."""

    order: NDArray[np.int64]  # (rows, topics)
    confidence: Floats
    belief: Floats  # (rows, labels): the probability of each label, 0 to 1, out of scope among them


@dataclass(frozen=True)
class Calibration:
    """`fusion`: a weight for each view. `head`: a logistic regression from the signs of certainty to "the first topic is right",
    its features scaled by `middle` and `spread`. `thresholds`: by precision aimed at."""

    fusion: Floats
    head: Floats
    middle: Floats
    spread: Floats

    def confidence(self, signs: Floats) -> Floats:
        scaled = (signs - self.middle) / self.spread
        return np.minimum(np.exp(log_softmax(scaled @ self.head[:-1] + self.head[-1])[:, 1]), CONFIDENCE_MAX)


@dataclass(frozen=True)
class Model:
    labels: tuple[str, ...]
    engine: str
    views: Views
    calibration: Calibration
    threshold: float
    thresholds: dict[str, float]

    def guess(self, texts: Sequence[str]) -> Guess:
        """Never in the event loop: encoders run here, on one thread."""
        with threadpool_limits(1):
            seen = read(texts, [view.name for view in self.views.kernels])
            scores = self.views.scores(seen)
            logs = fuse(scores, self.calibration.fusion)
            around = surroundings(self.views, seen)
            confidence = self.calibration.confidence(signs(logs, scores, around, seen.is_chinese, self.labels))
        return Guess(ranked(logs, self.labels), confidence, np.exp(logs))

    def save(self, path: Path) -> None:
        ngrams, encoders = self.views.ngrams, self.views.kernels
        cut = self.calibration
        arrays: model_file.Arrays = {
            "ngrams/numbers": ngrams.ngrams.numbers, "ngrams/idf": ngrams.ngrams.idf, "ngrams/weights": ngrams.weights,
            "fusion": cut.fusion, "head": cut.head, "middle": cut.middle, "spread": cut.spread,
        }  # fmt: skip
        for view in encoders:
            arrays |= {
                f"{view.name}/waves": view.waves,
                f"{view.name}/weights": view.weights,
                f"{view.name}/centres": view.centres,
            }
        arrays |= {f"{view.name}/line": view.weights for view in self.views.lines}
        meta = {
            "labels": list(self.labels), "engine": self.engine, "encoders": [view.name for view in encoders],
            "threshold": self.threshold, "thresholds": self.thresholds,
        }  # fmt: skip
        model_file.write(path, meta, arrays)


def load(path: Path) -> Model:
    """Refused: `file_unreadable`, `model_malformed`, `model_version`; `encoder_missing` when an encoder is not installed."""
    meta, arrays = model_file.read(path)
    try:
        return _model(meta, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise model_file.malformed(path, error) from error


def _model(meta: dict[str, Any], arrays: model_file.Arrays) -> Model:
    ngrams = NgramView(Ngrams(arrays["ngrams/numbers"], arrays["ngrams/idf"]), arrays["ngrams/weights"])
    names = [str(name) for name in meta["encoders"]]
    lines = tuple(LineView(name, arrays[f"{name}/line"]) for name in names)
    kernels = tuple(KernelView(name, *(arrays[f"{name}/{part}"] for part in ("waves", "weights", "centres"))) for name in names)
    calibration = Calibration(arrays["fusion"], arrays["head"], arrays["middle"], arrays["spread"])
    thresholds = {str(key): float(value) for key, value in meta["thresholds"].items()}
    labels = tuple(str(label) for label in meta["labels"])
    model = Model(labels, str(meta["engine"]), Views(ngrams, lines, kernels), calibration, float(meta["threshold"]), thresholds)
    _check(model)
    return model


def _check(model: Model) -> None:
    """A file that is whole may still be wrong: one whose parts do not fit must not fail at a customer's message."""
    ngrams, encoders = model.views.ngrams, model.views.kernels
    labels, cut, signs_count = len(model.labels), model.calibration, SIGNS + 2 * len(encoders)
    shapes = [(ngrams.weights, (len(ngrams.ngrams.numbers) + 1, labels)), (ngrams.ngrams.idf, ngrams.ngrams.numbers.shape)]
    for view in encoders:
        width = WIDTHS[view.name]
        shapes += [(view.waves, (width + 1, view.weights.shape[0])), (view.weights, (view.waves.shape[1], labels))]
        shapes += [(view.centres, (labels, width))]
    shapes += [(line.weights, (WIDTHS[line.name] + 1, labels)) for line in model.views.lines]
    shapes += [(cut.fusion, (1 + 2 * len(encoders),)), (cut.head, (signs_count + 1, 2))]
    shapes += [(cut.middle, (signs_count,)), (cut.spread, (signs_count,))]
    if any(array.shape != shape for array, shape in shapes) or len(topics(model.labels)) < TOPICS_MIN:
        raise ValueError("the parts do not fit")


def fuse(scores: Floats, fusion: Floats) -> Floats:
    """Log probabilities of the labels, shape (rows, classes), from the scores of the views."""
    return log_softmax(np.tensordot(fusion, scores, axes=1).astype(np.float32))


def topics(labels: Sequence[str]) -> NDArray[np.int64]:
    return np.array([i for i, label in enumerate(labels) if label != OUT_OF_SCOPE], np.int64)


def ranked(logs: Floats, labels: Sequence[str]) -> NDArray[np.int64]:
    inside = topics(labels)
    return inside[np.argsort(-logs[:, inside], axis=1, kind="stable")]


def surroundings(views: Views, texts: Read) -> Floats:
    """What is known about the texts before any label is thought of: how much of them the examples hold, how long, how near."""
    return surroundings_of(views.ngrams.known(texts), texts, [view.nearest(texts) for view in views.kernels])


def surroundings_of(known: Floats, texts: Read, nearest: Sequence[Floats]) -> Floats:
    length = np.array([np.log1p(len(counts[0])) for counts in texts.counts], np.float32)
    return np.stack([known, length, *nearest], axis=1)


def signs(logs: Floats, scores: Floats, around: Floats, is_chinese: NDArray[np.bool_], labels: Sequence[str]) -> Floats:
    """What tells a sure guess from an unsure one, shape (rows, signs); Chinese has its own line through the odds."""
    inside = topics(labels)
    best = -np.sort(-logs[:, inside], axis=1)[:, :2]
    chance = np.exp(best[:, 0])
    odds = np.log((chance + 1e-6) / (1 - chance + 1e-6))
    lead = np.minimum(best[:, 0] - best[:, 1], LEAD_MAX)
    encoders = around.shape[1] - AROUND
    highest = scores[: 1 + encoders][:, :, inside].max(axis=2).T
    chinese = is_chinese.astype(np.float32)
    return np.column_stack([odds, lead, highest, chinese, chinese * odds, around]).astype(np.float32)
