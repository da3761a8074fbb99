"""The only door to randomness. In production it is the operating system's generator, always.

The simulator hands a seeded `Chance` to the `Desk` it builds; `yingda.web` refuses to start with one.
"""

from __future__ import annotations

import random
import secrets
from typing import Protocol


class Chance(Protocol):
    def bytes(self, count: int) -> bytes: ...
    def token(self, count: int = 32) -> str:
        """URL-safe text made from `count` random bytes."""
        ...

    def uniform(self, low: float, high: float) -> float: ...


class SystemChance:
    """The operating system's generator."""

    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def token(self, count: int = 32) -> str:
        return secrets.token_urlsafe(count)

    def uniform(self, low: float, high: float) -> float:
        return random.SystemRandom().uniform(low, high)
