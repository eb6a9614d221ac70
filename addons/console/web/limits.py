"""How often somebody may ask: a bucket of tokens for each key, filled again by time. Pure: the clock is passed in, in seconds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

KEYS = 10_000  # remembered at once; the one that asked longest ago is forgotten, when its bucket is full again or not


@dataclass(slots=True)
class Limit:
    """`burst` at once, `per_second` in the long run."""

    burst: float
    per_second: float
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict, repr=False)  # left, at

    def wait_seconds(self, key: str, now: float) -> float:
        """0.0: go on, and one is taken; else how long until one is there."""
        left, at = self._buckets.pop(key, (self.burst, now))
        left = min(self.burst, left + max(0.0, now - at) * self.per_second)
        allowed = left >= 1.0
        self._buckets[key] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self.per_second
