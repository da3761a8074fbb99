"""How fast one customer may write. Counted per end customer, never for the wallet's key: one noisy customer slows nobody else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from yingda.clock import Clock
from yingda.errors import Refused

KNOWN_MAX = 50_000


class Bucket:
    """A token bucket per key: `burst` at once, then `per_minute`. In this process only; a limit, not a promise."""

    def __init__(self, clock: Clock, code: str, *, burst: int, per_minute: float) -> None:
        self._clock, self._code, self._burst, self._rate = clock, code, float(burst), per_minute / 60
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Refused `code` (429) when the bucket is empty; try again after a few seconds."""
        now = self._clock.monotonic()
        level, at = self._levels.get(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        if level < 1:
            raise Refused(self._code, status=429)
        self._levels[key] = (level - 1, now)
        self._levels.move_to_end(key)
        if len(self._levels) > KNOWN_MAX:
            self._levels.popitem(last=False)
