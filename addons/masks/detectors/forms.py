"""Vendors' tokens: tables of how they begin and what follows. Not secrets by name (assigned.py).

Two hundred formats, and hardly a text has one of them: so the token strip is read once, and at each start of a word its first letters choose the
formats to try. A few have no beginning of their own: they are found by a literal inside, or by being a whole run of a certain length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import regex

from addons.masks.detectors.kinds import Found
from addons.masks.sight import NEUTRAL, Sight, Where

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
        by_head: dict[str, list[Form]] = defaultdict(list)
        by_length: dict[int, list[Form]] = defaultdict(list)
        self._inside = tuple(one for one in table if one.inside)
        for one in table:
            for head in dict.fromkeys(head[:3] for head in one.heads):
                by_head[head].append(one)
            for length in one.lengths:
                by_length[length].append(one)
        self._by_head, self._by_length = dict(by_head), dict(by_length)
        self._heads = _at_word(by_head)

    def __repr__(self) -> str:
        return repr(self.table)

    def find(self, sight: Sight) -> Iterator[Found]:
        strip = sight.strip(Where.TOKENS)
        if not strip.text:
            return
        for start, end, one in (*self._begun(sight), *self._holding(sight), *self._whole(sight)):
            value = sight.text[start:end]
            if NEUTRAL not in value:
                yield Found(start, end, one.entity, one.confidence, value)

    def _begun(self, sight: Sight) -> Iterator[tuple[int, int, Form]]:
        strip = sight.strip(Where.TOKENS)
        text, by_head = strip.text, self._by_head
        for found in self._heads.finditer(text):
            place = found.start()
            head = text[place : place + 3]
            for one in (*by_head.get(head, ()), *by_head.get(head[:2], ())):
                if match := one.pattern.match(
                    sight.text, strip.source(place), timeout=sight.timeout, concurrent=sight.shared
                ):
                    yield *match.span(), one

    def _holding(self, sight: Sight) -> Iterator[tuple[int, int, Form]]:
        strip = sight.strip(Where.TOKENS)
        for one in self._inside:
            for place in _places(strip.text, one.inside):
                source = strip.source(place)
                back = _BACK.match(sight.text, 0, source)
                match = one.pattern.search(sight.text, back.start() if back else source, source + 200)
                if match and match.start() <= source < match.end():
                    yield *match.span(), one

    def _whole(self, sight: Sight) -> Iterator[tuple[int, int, Form]]:
        for start, end in sight.runs:
            for one in self._by_length.get(end - start, ()):
                if match := one.pattern.match(sight.text, start, min(len(sight.text), end + 3)):
                    yield *match.span(), one


def _at_word(heads: Iterable[str]) -> re.Pattern[str]:
    """Where a word of letters and digits begins with one of these. Their first letters are looked at once, not once for each head."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for head in heads:
        by_first[head[0]].append(re.escape(head[1:]))
    ways = "|".join(f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items())
    return re.compile(rf"(?<![A-Za-z0-9])(?=[A-Za-z0-9])(?={ways or '(?!)'})")


def _places(text: str, literal: str) -> Iterator[int]:
    place = text.find(literal)
    while place >= 0:
        yield place
        place = text.find(literal, place + 1)
