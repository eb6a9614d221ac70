"""How many tokens of models each caller has used today, UTC: what `tokens_a_day` of a right is compared with. In memory, from the store at start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Usage:
    _day: int = 0  # since 1970
    _tokens: dict[str, int] = field(default_factory=dict)  # by subject

    @classmethod
    def of(cls, now: datetime, used: Iterable[tuple[str, int]]) -> Usage:
        return cls(cls.day_of(now), dict(used))

    @staticmethod
    def day_of(now: datetime) -> int:
        return int(now.timestamp()) // 86_400

    def add(self, subject: str, tokens: int, now: datetime) -> None:
        if (day := self.day_of(now)) != self._day:
            self._day, self._tokens = day, {}
        self._tokens[subject] = self._tokens.get(subject, 0) + tokens

    def today(self, subject: str, now: datetime) -> int:
        return self._tokens.get(subject, 0) if self._tokens and self.day_of(now) == self._day else 0
