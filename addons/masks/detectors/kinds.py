"""The shapes a detector can have. What each one looks for stands in its own file; the order of search in detection.py.

A detector reads a Sight and gives what it found, in the coordinates of the sight's text. Below SURE nothing is a detection: weak forms need a
context word near them, the name they stand under, or to be all that was said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import regex

from addons.masks.sight import NEUTRAL, Sight, Where

SURE = 0.5
_LEFT = r"(?:(?<![^\W\d_])|(?-i:(?<=[a-z])(?=[A-Z])))"  # the start of a word, of a camelCase one too
_RIGHT = r"(?:(?![^\W\d_])|(?-i:(?<=[a-z])(?=[A-Z])))"


@dataclass(frozen=True, slots=True)
class Found:
    """One detection in a sight. `value` is the canonical form, so that all writings of it give one token."""

    start: int
    end: int
    entity: str
    confidence: float
    value: str = field(repr=False)


class Detector(Protocol):
    """Anything with a name that finds."""

    @property
    def entities(self) -> frozenset[str]: ...

    def find(self, sight: Sight) -> Iterator[Found]: ...


def words(*names: str) -> regex.Pattern[str]:
    """Context words: whole words, any case, a plural s allowed, as parts of camelCase and snake_case too. Never substrings: "lic" is in "public"."""
    inner = "|".join(regex.escape(name, special_only=True).replace(" ", "[ _\\-]?") for name in names)
    return regex.compile(rf"{_LEFT}(?:{inner})s?{_RIGHT}", regex.IGNORECASE)


def supported(sight: Sight, start: int, end: int, detector: Pattern | Anchored) -> bool:
    """Whether a context word stands near, or names the text."""
    if detector.context is None:
        return False
    before, after = max(0, start - detector.before_words), end + detector.after_words
    search = detector.context.search
    return bool(
        search(sight.text, before, start) or search(sight.text, end, after) or (sight.name and search(sight.name))
    )


def compact(value: str) -> str:
    """The value without separators, in capitals."""
    return "".join(filter(str.isalnum, value)).upper()


def exact(value: str) -> str:
    return value


def anything(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One pattern on one strip, checked by arithmetic, helped by context.

    confidence: found bare; with_context: a context word is near; alone: it is the whole of what was said. The highest that applies counts.
    """

    entity: str
    where: Where
    pattern: regex.Pattern[str]
    valid: Callable[[str], bool] = anything
    canonical: Callable[[str], str] = compact
    confidence: float
    context: regex.Pattern[str] | None = None
    with_context: float = 0.0
    alone: float = 0.0
    before_words: int = 80  # how far context words may stand
    after_words: int = 40
    needs: tuple[str, ...] = ()  # one of these stands in the text, or the pattern cannot match

    @property
    def entities(self) -> frozenset[str]:
        return frozenset({self.entity})

    def find(self, sight: Sight) -> Iterator[Found]:
        strip = sight.strip(self.where) if self.where is not Where.TEXT else None
        text = strip.text if strip else sight.text
        if not text or (self.needs and not any(need in text for need in self.needs)):
            return
        group = "value" if "value" in self.pattern.groupindex else 0
        spans = (match.span(group) for match in self.pattern.finditer(text, timeout=sight.timeout))
        yield from weighed(
            self,
            sight,
            [(strip.source(start), strip.source(end - 1) + 1) for start, end in spans] if strip else list(spans),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """One pattern around each place where a rare literal stands: `@`, `://`. The literal is found first, the pattern sees a window."""

    entity: str
    anchors: tuple[str, ...]  # lower case; found in any case
    pattern: regex.Pattern[str]
    before: int
    after: int
    valid: Callable[[str], bool] = anything
    canonical: Callable[[str], str] = exact
    confidence: float
    context: regex.Pattern[str] | None = None
    with_context: float = 0.0
    alone: float = 0.0
    before_words: int = 80
    after_words: int = 40
    at: regex.Pattern[str] = field(default_factory=lambda: regex.compile(""))  # what must be true at the anchor itself

    @property
    def entities(self) -> frozenset[str]:
        return frozenset({self.entity})

    def find(self, sight: Sight) -> Iterator[Found]:
        for anchor in self.anchors:
            places = [place for place in sight.places(anchor) if self.at.match(sight.text, place)]
            if places:
                yield from weighed(self, sight, list(self._matches(sight, places, len(anchor))))

    def _matches(self, sight: Sight, places: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
        group = "value" if "value" in self.pattern.groupindex else 0
        passed = 0
        for place in places:
            if place < passed:
                continue
            for match in self.pattern.finditer(
                sight.text, max(passed, place - self.before), place + width + self.after, timeout=sight.timeout
            ):
                if match.start() > place:
                    break
                passed = match.end()
                yield match.span(group)


def weighed(detector: Pattern | Anchored, sight: Sight, places: list[tuple[int, int]]) -> Iterator[Found]:
    """What is sure enough, by what stands around it. Arithmetic comes last: it is the dear part."""
    if not places:
        return
    floor = (
        max(detector.confidence, detector.alone)
        if detector.alone and nothing_else(sight, places)
        else detector.confidence
    )
    for start, end in places:
        near = detector.with_context > floor and supported(sight, start, end, detector)
        confidence = detector.with_context if near else floor
        if confidence >= SURE:
            value = detector.canonical(sight.text[start:end])
            if NEUTRAL not in value and detector.valid(value):
                yield Found(start, end, detector.entity, confidence, value)


def nothing_else(sight: Sight, places: list[tuple[int, int]]) -> bool:
    """Whether hardly a letter was said beside these values: `AA0123456B and AA0123456B`."""
    if not sight.alone or len(sight.text) > 500:
        return False
    said = sum(map(str.isalnum, sight.text))
    return said - sum(sum(map(str.isalnum, sight.text[start:end])) for start, end in places) <= 3


@dataclass(frozen=True, slots=True)
class Form:
    """How one vendor's tokens look: a literal that every one holds, and the pattern around it."""

    entity: str
    vendor: str
    literals: tuple[str, ...]
    pattern: regex.Pattern[str]


def form(entity: str, vendor: str, literals: str, body: str) -> Form:
    """A token that is not a piece of a longer word. `literals`: one or more, by spaces; all letters of a token are in `body`."""
    return Form(
        entity, vendor, tuple(literals.split(" ")), regex.compile(rf"(?<![A-Za-z0-9])(?:{body})(?![A-Za-z0-9])")
    )


@dataclass(frozen=True, slots=True)
class Forms:
    """A table of vendors' formats, searched on the strip of token runs, each only where its literal stands."""

    table: tuple[Form, ...]
    confidence: float = 0.9

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(one.entity for one in self.table)

    def find(self, sight: Sight) -> Iterator[Found]:
        strip = sight.tokens
        text = strip.text
        if not text:
            return
        for one in self.table:
            for literal in one.literals:
                if literal in text:
                    yield from self._each(one, sight)
                    break

    def _each(self, one: Form, sight: Sight) -> Iterator[Found]:
        strip = sight.tokens
        for match in one.pattern.finditer(strip.text, timeout=sight.timeout):
            start, end = match.span("value" if "value" in one.pattern.groupindex else 0)
            value = strip.text[start:end]
            if NEUTRAL not in value:
                yield Found(strip.source(start), strip.source(end - 1) + 1, one.entity, self.confidence, value)
