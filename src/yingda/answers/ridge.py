"""Least squares with an L2 penalty, and what it would say of each row had it not seen that row.

Rifkin and Lippert, "Notes on Regularized Least Squares" (MIT CSAIL, 2007): as a classifier it does what a support vector machine
does, and its leave-one-out values have a closed form, so that no folds need training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEVERAGE_MAX = 0.999
BLOCK = 2048


def train(features: Floats, labels: NDArray[np.int64], classes: int, penalty: float) -> tuple[Floats, Floats]:
    """(weights of shape (features, classes), left-out values of shape (rows, classes)), for targets one and nought.

    Minimises the squared errors + penalty x the squared length of the weights. A row's left-out value is
    (fit - h target) / (1 - h), h being its leverage x' (X'X + penalty)^-1 x.
    """
    rows, width = features.shape
    target = np.zeros((rows, classes), np.float32)
    target[np.arange(rows), labels] = 1
    inverse = np.linalg.inv(features.T @ features + np.float32(penalty) * np.eye(width, dtype=np.float32))
    weights: Floats = inverse @ (features.T @ target)
    left_out = np.empty((rows, classes), np.float32)
    for start in range(0, rows, BLOCK):
        part = slice(start, start + BLOCK)
        leverage = np.einsum("ij,ij->i", features[part] @ inverse, features[part])
        leverage = np.clip(leverage, 0, LEVERAGE_MAX)[:, None]
        left_out[part] = (features[part] @ weights - leverage * target[part]) / (1 - leverage)
    return weights, left_out
