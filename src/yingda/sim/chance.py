"""Seeded chance. Each part of the simulation draws from a stream of its own, so that one more salt moves no customer."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class SeededChance:
    """A `Chance` from a seed. It never stands beside a listening server: `yingda.web` refuses to start with one."""

    def __init__(self, seed: int, stream: str) -> None:
        self._random = random.Random(f"{seed}/{stream}")  # noqa: S311  a replay is what it is for

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def token(self, count: int = 32) -> str:
        return base64.urlsafe_b64encode(self.bytes(count)).rstrip(b"=").decode()

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def whole(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return self._random.randint(low, high)

    def waiting(self, mean_seconds: float) -> float:
        """Exponential: how long until something that happens every `mean_seconds` on average."""
        return self._random.expovariate(1 / mean_seconds)

    def working(self, mean_seconds: float) -> float:
        """Log-normal with a long right tail (sigma 0.6), as handling times are."""
        return mean_seconds * self._random.lognormvariate(-0.18, 0.6)
