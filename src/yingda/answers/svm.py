"""One-vs-rest linear support vector machines with squared hinge loss, all classes in one pass.

The dual coordinate descent of Hsieh, Chang, Lin, Keerthi and Sundararajan (ICML 2008), which liblinear uses. The problems of
the classes are independent but visit the same rows, so one numpy step updates the row's multipliers of every class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yingda.answers.ngrams import Row

EPOCHS_MAX = 6
STEP_MIN = 0.02
"""Training ends early when no multiplier moved by more than this in a whole pass."""


def train(rows: Sequence[Row], labels: NDArray[np.int64], classes: int, columns: int, cost: float = 1.0) -> NDArray[np.float32]:
    """Weights of shape (columns + 1, classes), the bias in the last row. The order of visits depends on the data only."""
    weights = np.zeros((columns + 1, classes), np.float32)
    multipliers = np.zeros((len(rows), classes), np.float32)
    bias = np.ones(1, np.float32)
    rows = [(np.append(places, columns), np.concatenate([values, bias])) for places, values in rows]
    slack = np.float32(1 / (2 * cost))
    curvature = [np.float32(values @ values) + slack for _, values in rows]
    side = np.full(classes, -1, np.float32)
    order = np.random.default_rng(len(rows))
    for _ in range(EPOCHS_MAX):
        largest = 0.0
        for i in order.permutation(len(rows)):
            places, values = rows[i]
            side[labels[i]] = 1
            old = multipliers[i]
            gradient = side * (values @ weights[places]) - 1 + slack * old
            new = np.maximum(old - gradient / curvature[i], 0)
            step = (new - old) * side
            side[labels[i]] = -1
            moved = np.flatnonzero(step)
            if len(moved):
                weights[places[:, None], moved] += values[:, None] * step[moved]
                multipliers[i] = new
                largest = max(largest, float(np.abs(step[moved]).max()))
        if largest < STEP_MIN:
            break
    return weights


def margins(weights: NDArray[np.float32], rows: Sequence[Row]) -> NDArray[np.float32]:
    """Distances from each class's boundary, shape (rows, classes)."""
    found = np.empty((len(rows), weights.shape[1]), np.float32)
    for i, (places, values) in enumerate(rows):
        found[i] = values @ weights[places] + weights[-1]
    return found
