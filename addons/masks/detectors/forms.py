"""Vendors' tokens: tables of how they begin and what follows. Not secrets by name (assigned.py).

Two hundred formats, and hardly a text has one of them: so the token strip is read once, and at each start of a word its first letters choose the
formats to try. A few have no beginning of their own: they are found by a literal inside, or by being a whole run of a certain length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import regex

from addons.masks.detectors.kinds import Found
from addons.masks.sight import NEUTRAL, Sight

_STARTS = regex.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z0-9]..))")
_BACK = regex.compile(r"(?r)[A-Za-z0-9_~.\-]{0,80}")


@dataclass(frozen=True, slots=True)
class Form:
    """How one vendor's tokens look. One of `heads`, `inside` and `lengths` says where to try the pattern."""

    entity: str
    vendor: str
    pattern: regex.Pattern[str]
    heads: tuple[str, ...] = ()
    inside: str = ""
    lengths: tuple[int, ...] = ()
    confidence: float = 0.9


def _edged(body: str) -> regex.Pattern[str]:
    return regex.compile(rf"(?<![A-Za-z0-9])(?:{body})(?![A-Za-z0-9])")


def form(entity: str, vendor: str, heads: str, body: str) -> Form:
    """A token that begins with one of `heads` (two letters at least, separated by spaces) and is not a piece of a longer word."""
    return Form(entity, vendor, _edged(body), heads=tuple(heads.split(" ")))


def holding(entity: str, vendor: str, inside: str, body: str) -> Form:
    """A token that begins in any way and has the literal `inside`."""
    return Form(entity, vendor, _edged(body), inside=inside)


def whole(entity: str, vendor: str, lengths: Iterable[int], body: str) -> Form:
    """A token that is a whole run of one of these lengths; `=` may follow it."""
    return Form(entity, vendor, _edged(body), lengths=tuple(lengths))


class Forms:
    """A table, ready to be searched."""

    def __init__(self, *table: Form) -> None:
        self.table = table
        self.entities = frozenset(one.entity for one in table)
        self._by_head: dict[str, list[Form]] = defaultdict(list)
        self._by_length: dict[int, list[Form]] = defaultdict(list)
        self._inside = tuple(one for one in table if one.inside)
        for one in table:
            for head in dict.fromkeys(head[:3] for head in one.heads):
                self._by_head[head].append(one)
            for length in one.lengths:
                self._by_length[length].append(one)
        self._heads = frozenset(self._by_head)

    def __repr__(self) -> str:
        return repr(self.table)

    def find(self, sight: Sight) -> Iterator[Found]:
        strip = sight.tokens
        if not strip.text:
            return
        for start, end, one in (*self._begun(strip.text), *self._holding(strip.text)):
            value = strip.text[start:end]
            if NEUTRAL not in value:
                yield Found(strip.source(start), strip.source(end - 1) + 1, one.entity, one.confidence, value)
        for start, end, one in self._whole(sight):
            yield Found(start, end, one.entity, one.confidence, sight.text[start:end])

    def _begun(self, text: str) -> Iterator[tuple[int, int, Form]]:
        present = set(_STARTS.findall(text))
        for head in self._heads & (present | {start[:2] for start in present}):
            for place in _places(text, head):
                for one in self._by_head[head]:
                    if match := one.pattern.match(text, place):
                        yield *match.span(), one

    def _holding(self, text: str) -> Iterator[tuple[int, int, Form]]:
        for one in self._inside:
            place = text.find(one.inside)
            while place >= 0:
                back = _BACK.match(text, 0, place)
                start = back.start() if back else place
                match = one.pattern.search(text, start, min(len(text), place + 200))
                if match and match.end() > place:
                    yield *match.span(), one
                place = text.find(one.inside, max(match.end() if match else 0, place + 1))

    def _whole(self, sight: Sight) -> Iterator[tuple[int, int, Form]]:
        for start, end in sight.runs:
            for one in self._by_length.get(end - start, ()):
                if match := one.pattern.match(sight.text, start, min(len(sight.text), end + 3)):
                    yield *match.span(), one


def _places(text: str, literal: str) -> Iterator[int]:
    place = text.find(literal)
    while place >= 0:
        yield place
        place = text.find(literal, place + 1)
