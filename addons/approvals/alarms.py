"""A rule that holds too much: more than so many calls in ten minutes is an alarm, once until it calms down. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)


class HoldRate:
    """Holds of the last ten minutes, by rule. Holds at most one time more than each rule's limit."""

    def __init__(self) -> None:
        self._times: dict[str, deque[datetime]] = {}
        self._sounded: dict[str, datetime] = {}

    def held(self, rule: str, limit: int, now: datetime) -> bool:
        """Counts one hold; True when it is the one too many, and no alarm was given for this rule in the last ten minutes."""
        times = self._times.setdefault(rule, deque(maxlen=limit + 1))
        times.append(now)
        if len(times) <= limit or now - times[0] >= WINDOW:
            return False
        last = self._sounded.get(rule)
        if last is not None and now - last < WINDOW:
            return False
        self._sounded[rule] = now
        return True
