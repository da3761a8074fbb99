"""From which confidence on one may speak, for a share of right answers that is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yingda.answers.views import Floats

AIMS = (0.95, 0.98, 0.99)
"""Precisions for which every model fixes a threshold."""

NEVER = 1.0
"""A threshold that no confidence reaches (they stay below it): the precision asked for was not seen at any."""

CURVE_POINTS = 50
INSIDE_WEIGHT = 8.0


def threshold_for(confidence: Floats, right: NDArray[np.bool_], precision: float) -> float:
    """The lowest threshold at which at least this share of what reaches it was right.

    One imagined wrong answer is added, so that a handful of lucky rows earns no trust.
    """
    order = np.argsort(-confidence, kind="stable")
    reached = np.arange(1, len(order) + 1)
    share = np.cumsum(right[order]) / (reached + 1)
    # Rows of the same confidence pass a threshold together.
    last_of_its_value = np.append(confidence[order][1:] < confidence[order][:-1], True)
    enough = np.flatnonzero((share >= precision) & last_of_its_value)
    return float(confidence[order][enough[-1]]) if len(enough) else NEVER


def threshold_with_oos(confidence: Floats, right: NDArray[np.bool_], is_inside: NDArray[np.bool_]) -> float:
    """Where the share of topics found right, times eight, and the share of out-of-scope messages held back sum to the most."""
    values = np.unique(confidence)
    found = _share_from(values, confidence[is_inside], right[is_inside])
    held = 1 - _share_from(values, confidence[~is_inside], np.ones(int((~is_inside).sum()), bool))
    return float(values[np.argmax(INSIDE_WEIGHT * found + held)])


def _share_from(values: Floats, confidence: Floats, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of all rows that are counted and reach each value."""
    ordered = np.sort(confidence[counted])
    return (len(ordered) - np.searchsorted(ordered, values)) / max(len(confidence), 1)


def curve(confidence: Floats, right: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """(coverage, precision) from the surest rows to all."""
    order = np.argsort(-confidence, kind="stable")
    total = len(order)
    hits = np.cumsum(right[order])
    points = sorted({max(1, round(total * step / CURVE_POINTS)) for step in range(1, CURVE_POINTS + 1)}) if total else []
    return [(point / total, float(hits[point - 1]) / point) for point in points]
