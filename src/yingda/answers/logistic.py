"""Multinomial logistic regression with an L2 penalty, by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Objective = Callable[[Floats], tuple[float, Floats]]

STEPS_MAX = 150
MEMORY = 10
DECREASE_MIN = 1e-4
"""Relative: below it nothing that matters is gained."""


def log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: Floats = (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))).astype(np.float32)
    return logs


def train(features: Floats, labels: NDArray[np.int64], classes: int, cost: float) -> Floats:
    """Weights of shape (features + 1, classes), the bias, which is not penalised, in the last row.

    Minimises cost x the sum of the rows' log losses + half the squared length of the weights.
    """
    rows, width = features.shape
    wide = np.hstack([features, np.ones((rows, 1), np.float32)])
    target = np.zeros((rows, classes), np.float32)
    target[np.arange(rows), labels] = 1

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(width + 1, classes)
        logs = log_softmax(wide @ weights)
        penalised = weights.copy()
        penalised[-1] = 0
        loss = -cost * float((logs * target).sum(dtype=np.float64)) + 0.5 * float(np.square(penalised).sum(dtype=np.float64))
        gradient: Floats = (wide.T @ (cost * (np.exp(logs) - target)) + penalised).astype(np.float32).ravel()
        return loss, gradient

    return minimise(objective, np.zeros((width + 1) * classes, np.float32)).reshape(width + 1, classes)


def minimise(objective: Objective, start: Floats) -> Floats:
    """The minimum of a smooth convex function that gives its value and gradient."""
    point, (value, gradient) = start, objective(start)
    history: deque[tuple[Floats, Floats]] = deque(maxlen=MEMORY)
    for _ in range(STEPS_MAX):
        direction = _direction(gradient, history)
        slope, step = float(gradient @ direction), 1.0
        while True:
            new_point = point - np.float32(step) * direction
            new_value, new_gradient = objective(new_point)
            if new_value <= value - 1e-4 * step * slope or step < 1e-6:
                break
            step /= 2
        moved, turned = new_point - point, new_gradient - gradient
        if float(moved @ turned) > 1e-10:
            history.append((moved, turned))
        is_done = value - new_value < DECREASE_MIN * max(abs(new_value), 1.0)
        point, value, gradient = new_point, new_value, new_gradient
        if is_done:
            break
    return point


def _direction(gradient: Floats, history: deque[tuple[Floats, Floats]]) -> Floats:
    direction, scales = gradient.copy(), []
    for moved, turned in reversed(history):
        scale = (moved @ direction) / (moved @ turned)
        scales.append(scale)
        direction -= scale * turned
    if history:
        moved, turned = history[-1]
        direction *= (moved @ turned) / (turned @ turned)
    else:
        direction /= max(float(np.sqrt(gradient @ gradient)), 1e-12)
    for (moved, turned), scale in zip(history, reversed(scales), strict=True):
        direction += moved * (scale - (turned @ direction) / (moved @ turned))
    return direction
