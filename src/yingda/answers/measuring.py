"""Measure a model on labelled rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yingda.answers.examples import Example
from yingda.answers.model import OUT_OF_SCOPE, Guess, Model
from yingda.answers.precision import curve
from yingda.clock import Clock

TIMED_ROWS_MAX = 200
DIGITS = 6


def evaluate(model: Model, examples: Sequence[Example], clock: Clock) -> dict[str, Any]:
    """The object that `yingda evaluate` prints. A label that the model does not know counts as out of scope."""
    texts = [example.text for example in examples]
    guess = model.guess(texts)
    inside = {name: i for i, name in enumerate(model.labels) if name != OUT_OF_SCOPE}
    truth = np.array([inside.get(example.label, -1) for example in examples], np.int64)
    first = guess.order[:, 0]
    right, is_inside = first == truth, truth >= 0
    names = [name for name in model.labels if name != OUT_OF_SCOPE]
    return {
        "rows": len(examples),
        "accuracy": _share(right[is_inside]),
        "macro_f1": _macro_f1(first, truth, inside),
        "top3": _share((guess.order[:, :3] == truth[:, None]).any(axis=1)[is_inside]),
        "at_threshold": _at(guess, right, is_inside, model.threshold),
        "coverage_at": {aim: _coverage(guess, right, threshold) for aim, threshold in model.thresholds.items()},
        "curve": [[_round(x), _round(y)] for x, y in curve(guess.confidence, right)],
        "milliseconds": _times(model, texts, clock),
        "per_label": {name: _label(first, truth, inside[name]) for name in names},
    }


def _at(guess: Guess, right: NDArray[np.bool_], is_inside: NDArray[np.bool_], threshold: float) -> dict[str, Any]:
    spoken = guess.confidence >= threshold
    return {
        **_coverage(guess, right, threshold),
        "in_scope_accuracy": _share((spoken & right)[is_inside]),
        "out_of_scope_recall": _share(~spoken[~is_inside]),
    }


def _coverage(guess: Guess, right: NDArray[np.bool_], threshold: float) -> dict[str, Any]:
    spoken = guess.confidence >= threshold
    return {"threshold": _round(threshold), "coverage": _share(spoken), "precision": _share(right[spoken])}


def _label(first: NDArray[np.int64], truth: NDArray[np.int64], label: int) -> dict[str, Any]:
    hits = int(((first == label) & (truth == label)).sum())
    guessed, rows = int(((first == label) & (truth >= 0)).sum()), int((truth == label).sum())
    return {
        "rows": rows,
        "precision": _round(hits / guessed) if guessed else None,
        "recall": _round(hits / rows) if rows else None,
        "f1": _round(2 * hits / (guessed + rows)) if guessed + rows else None,
    }


def _macro_f1(first: NDArray[np.int64], truth: NDArray[np.int64], inside: dict[str, int]) -> float | None:
    """The mean over the labels that occur in the rows."""
    scores = [_label(first, truth, label)["f1"] for label in inside.values() if (truth == label).any()]
    return _round(sum(scores) / len(scores)) if scores else None


def _times(model: Model, texts: Sequence[str], clock: Clock) -> dict[str, float | None]:
    """One text at a time, as a desk meets them."""
    taken = []
    for text in texts[:TIMED_ROWS_MAX]:
        began = clock.monotonic()
        model.guess([text])
        taken.append((clock.monotonic() - began) * 1000)
    if not taken:
        return {"p50": None, "p99": None}
    return {"p50": round(float(np.percentile(taken, 50)), 3), "p99": round(float(np.percentile(taken, 99)), 3)}


def _share(flags: NDArray[np.bool_]) -> float | None:
    return _round(float(flags.mean())) if len(flags) else None


def _round(value: float) -> float:
    return round(float(value), DIGITS)
