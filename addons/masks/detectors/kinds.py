"""The shapes a detector can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex


@dataclass(frozen=True, slots=True)
class Number:
    """A value made of digits and separators."""

    entity: str
    pattern: regex.Pattern[str]
    valid: Callable[[str], bool]
    confidence: float

    def find(self, text: str, context: str) -> Iterator[tuple[int, int]]:  # noqa: ARG002
        for match in self.pattern.finditer(text):
            if self.valid(self.canonical(match[0])):
                yield match.span()

    def canonical(self, value: str) -> str:
        return "".join(filter(str.isdigit, value))
