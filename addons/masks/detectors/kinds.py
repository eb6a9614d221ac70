"""The shapes a detector can have. What each one looks for stands in its own file; the order of search in detection.py.

A detector reads a Sight and gives what it found, in the coordinates of the sight's text. Below SURE nothing is a detection: weak forms need a
context word near them, the name they stand under, or to be all that was said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import regex

from addons.masks.cues import cue_of
from addons.masks.detectors.shapes import shapes_of
from addons.masks.expressions import Expression, of
from addons.masks.sight import ALL_THERE_IS, NEUTRAL, SHORT, Sight, Strip, Where

SURE = 0.5
_WORD = 24
_MANY = 500  # places, from which on context words are looked for once
_LEFT = r"(?:(?<![^\W\d_])|(?-i:(?<=[a-z])(?=[A-Z])))"  # the start of a word, of a camelCase one too
_RIGHT = r"(?:(?![^\W\d_])|(?-i:(?<=[a-z])(?=[A-Z])))"
_SAID = regex.compile(r"\w+")
_JOINING = frozenset({"and", "or", "und", "oder", "et", "ou", "y", "o", "e"})
_UNSPACED = regex.compile(r"[\p{Han}\p{Hangul}\p{Thai}\p{Hiragana}\p{Katakana}\p{Hebrew}\p{Cyrillic}\p{Greek}]")


@dataclass(frozen=True, slots=True)
class Found:
    """One detection in a sight. `value` is the canonical form, so that all writings of it give one token."""

    start: int
    end: int
    entity: str
    confidence: float
    value: str = field(repr=False)


type Near = Callable[[Sight, int, int, int, int], bool]  # a place, and how far to look before and after it


class Detector(Protocol):
    """Anything with a name that finds."""

    @property
    def entities(self) -> frozenset[str]: ...

    def find(self, sight: Sight) -> Iterator[Found]: ...


@dataclass(frozen=True, slots=True)
class Words:
    """Context words: whole words, any case, a plural s allowed, as parts of camelCase and snake_case too. Never substrings: "lic" is in "public".

    `cues` are what must stand among the words around a strip's pieces for the pattern to be worth trying; `signs` the same for scripts
    that put no space between words.
    """

    pattern: regex.Pattern[str]
    cues: frozenset[str]
    signs: tuple[str, ...]
    expression: Expression = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", of(self.pattern))

    def signed(self, text: str) -> bool:
        return any(sign in text for sign in self.signs)

    def near(self, sight: Sight, start: int, end: int, before: int, after: int) -> bool:
        search = self.expression.quick.search  # in a window
        left, right = sight.bounds(start, end, before, after)
        if sight.name and search(sight.name):
            return True
        if not search(sight.text, left, right + _WORD):  # as nearly always
            return False
        if search(sight.text, left, start):
            return True
        behind = search(sight.text, end, right + _WORD)  # a word that the window cuts is not the word
        return behind is not None and behind.end() <= right

    def everywhere(self, sight: Sight) -> Near:
        """`near` for thousands of places: the text is read once for all of them."""
        if sight.name and self.pattern.search(sight.name):
            return _always
        found = [match.span() for match in sight.each(self.expression, sight.text)]
        starts = [start for start, _ in found]

        def near(sight: Sight, start: int, end: int, before: int, after: int) -> bool:
            first = bisect_left(starts, max(0, start - before))
            if first == len(found) or starts[first] >= end + after:
                return False
            left, right = sight.bounds(start, end, before, after)
            near_by = found[bisect_left(starts, left) : bisect_left(starts, right)]
            return any(stop <= start or (begin >= end and stop <= right) for begin, stop in near_by)

        return near


def words(*names: str) -> Words:
    """The context words of a detector."""
    spaced = [name for name in names if not _UNSPACED.search(name)]
    signs = tuple(name for name in names if _UNSPACED.search(name))
    inner = "|".join("[ _\\-]?".join(map(regex.escape, name.split(" "))) for name in spaced)
    alternatives = [rf"{_LEFT}(?:{inner})s?{_RIGHT}"] if spaced else []
    pattern = regex.compile("|".join([*alternatives, *map(regex.escape, signs)]), regex.IGNORECASE)
    return Words(pattern, frozenset(cue for name in spaced for cue in (cue_of(name), name.replace(" ", ""))), signs)


def compact(value: str) -> str:
    """The value without separators, in capitals."""
    return "".join(filter(str.isalnum, value)).upper()


def exact(value: str) -> str:
    return value


def anything(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    context: Words | None = None
    with_context: float = 0.0
    alone: float = 0.0
    before_words: int = 80  # how far context words may stand
    after_words: int = 40
    shapes: tuple[
        str, ...
    ] = ()  # one of these is in the strip's shape (0: digit, A: letter, *: either, <00>: no digit beyond, _: separators), or the pattern cannot match
    long: regex.Pattern[str] | None = None  # for texts in which capitals mean something
    dear: bool = False  # `valid` costs more than a look for context words
    _ways: tuple[Expression, Expression] = field(init=False, repr=False)  # for a short text, and a longer one

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ways", (of(self.pattern), of(self.long or self.pattern)))
        if not self.shapes and self.where in (Where.NUMBERS, Where.CAPITALS):
            object.__setattr__(self, "shapes", shapes_of(self.pattern.pattern))

    @property
    def entities(self) -> frozenset[str]:
        return frozenset({self.entity})

    def find(self, sight: Sight) -> Iterator[Found]:
        return self.on(sight, sight.strip(self.where))

    def on(self, sight: Sight, strip: Strip) -> Iterator[Found]:
        """The detections on a strip of the sight."""
        way = self._ways[len(sight.text) > SHORT]
        spans = [match.span(way.group) for match in sight.each(way, strip.text)]
        if spans:
            yield from weighed(self, sight, [(strip.source(start), strip.source(end - 1) + 1) for start, end in spans])


def digits(
    entity: str,
    shape: str,
    valid: Callable[[str], bool],
    context: Words,
    *,
    bare: float = 0.1,
    near: float = 0.85,
    alone: float = 0.6,
    shapes: tuple[str, ...] = (),
) -> Pattern:
    """A number of digits and separators, not a piece of a longer number or word."""
    pattern = regex.compile(rf"\b(?<![0-9][.,\-/])(?:{shape})\b(?![.,\-/ ]?[0-9])")
    return Pattern(
        entity=entity,
        where=Where.NUMBERS,
        pattern=pattern,
        valid=valid,
        confidence=bare,
        context=context,
        with_context=near,
        alone=alone,
        shapes=shapes,
    )


def letters(
    entity: str,
    shape: str,
    valid: Callable[[str], bool],
    context: Words,
    *,
    bare: float = 0.1,
    near: float = 0.85,
    alone: float = 0.6,
    shapes: tuple[str, ...] = (),
) -> Pattern:
    """A number with letters in it, in any case, not a piece of a longer word."""
    edged = rf"\b(?<![A-Za-z0-9]-)(?:{shape})\b(?!-[A-Za-z0-9])"
    return Pattern(
        entity=entity,
        where=Where.CAPITALS,
        pattern=regex.compile(edged, regex.IGNORECASE),
        long=regex.compile(edged),
        valid=valid,
        confidence=bare,
        context=context,
        with_context=near,
        alone=alone,
        shapes=shapes,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchored:
    """One pattern around each place where a rare literal stands: `@`, `://`. The literal is found first, the pattern sees a window."""

    entity: str
    anchors: tuple[str, ...]  # lower case: found in any case; in capitals: only so
    pattern: regex.Pattern[str]  # matched, not searched: a window searched at every place would be quadratic
    after: int
    back: regex.Pattern[str] | None = None  # reads backwards from the anchor to where the pattern begins
    valid: Callable[[str], bool] = anything
    canonical: Callable[[str], str] = exact
    confidence: float
    context: Words | None = None
    with_context: float = 0.0
    alone: float = 0.0
    before_words: int = 80
    after_words: int = 40
    dear: bool = False
    at: regex.Pattern[str] = field(default_factory=lambda: regex.compile(""))  # what must be true at the anchor itself

    @property
    def entities(self) -> frozenset[str]:
        return frozenset({self.entity})

    def find(self, sight: Sight) -> Iterator[Found]:
        for anchor in self.anchors:
            places = [place for place in sight.places(anchor.encode("latin-1")) if self.at.match(sight.text, place)]
            if places:
                yield from weighed(self, sight, list(self._matches(sight, places, len(anchor))))

    def _matches(self, sight: Sight, places: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
        group = "value" if "value" in self.pattern.groupindex else 0
        passed = 0
        text, back, forward = sight.text, self.back, self.pattern.match
        for number, place in enumerate(places):
            if place < passed:
                continue
            if number % _MANY == 0:
                sight.timeout  # noqa: B018 -- raises when it is over; a match in a window is short, asking costs as much
            start = place
            if back and (found := back.match(text, passed, place)):
                start = found.start()
            if match := forward(text, start, place + width + self.after):
                passed = match.end()
                yield match.span(group)


def weighed(detector: Pattern | Anchored, sight: Sight, places: list[tuple[int, int]]) -> Iterator[Found]:
    """What is sure enough, by what stands around it."""
    floor = (
        max(detector.confidence, detector.alone)
        if detector.alone and nothing_else(sight, places)
        else detector.confidence
    )
    judged: dict[str, bool] = {}
    context = detector.context if detector.with_context > floor else None
    near = context and (context.everywhere(sight) if len(places) > _MANY else context.near)
    for start, end in places:
        value = detector.canonical(sight.text[start:end])
        if NEUTRAL in value or not (detector.dear or _is_valid(detector, value, judged)):
            continue
        is_near = near and near(sight, start, end, detector.before_words, detector.after_words)
        confidence = detector.with_context if is_near else floor
        if confidence >= SURE and (not detector.dear or _is_valid(detector, value, judged)):
            yield Found(start, end, detector.entity, confidence, value)


def _is_valid(detector: Pattern | Anchored, value: str, judged: dict[str, bool]) -> bool:
    """Asked once for each value: a table repeats them."""
    if value not in judged:
        judged[value] = detector.valid(value)
    return judged[value]


def _always(_sight: Sight, _start: int, _end: int, _before: int, _after: int) -> bool:
    return True


def nothing_else(sight: Sight, places: list[tuple[int, int]]) -> bool:
    """Whether nothing was said beside these values but `and`: `AA0123456B and AA0123456B`."""
    if not sight.alone or len(sight.text) > ALL_THERE_IS:
        return False
    position, beside = 0, []
    for start, end in sorted(places):
        beside.append(sight.text[position:start])
        position = end
    beside.append(sight.text[position:])
    return all(word.lower() in _JOINING for word in _SAID.findall(" ".join(beside)))
