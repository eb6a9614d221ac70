"""What was done in one call, counted for the record. Not the deciding (engine.py)."""

from __future__ import annotations

from collections import Counter

from addons.masks.rules import Action, Hit, Rule


class Tally:
    """Hits of one call, counted; same place, entity and token are one row."""

    def __init__(self, direction: str, base: str = "") -> None:
        self._direction = direction
        self.base = base  # where the text stands in the whole body: for rules about places, not for the rows
        self._rows: Counter[tuple[str, str, Rule, str]] = Counter()
        self.withheld = False
        self.originals: dict[str, str] = {}  # of rules that restore: placeholder -> value

    def add(self, location: str, entity: str, rule: Rule, token: str) -> None:
        self._rows[location, entity, rule, token] += 1

    @property
    def blocked(self) -> bool:
        return any(rule.action is Action.BLOCK for _, _, rule, _ in self._rows)

    @property
    def masks(self) -> bool:
        """Whether anything was replaced."""
        return self.withheld or any(rule.action is not Action.KEEP for _, _, rule, _ in self._rows)

    def take(self, other: Tally) -> None:
        self._rows += other._rows
        self.withheld = self.withheld or other.withheld
        self.originals |= other.originals

    def hits(self) -> tuple[Hit, ...]:
        return tuple(self._hit(*row, count) for row, count in self._rows.items())

    def _hit(self, location: str, entity: str, rule: Rule, token: str, count: int) -> Hit:
        masked = bool(token) and rule.wire.covers(self._direction)
        return Hit(location, entity, rule.id, rule.action, token, count, "masked" if masked else "original")
