"""Text in, spans out: fold, find, decode, find again. Not what is done about them, and no memory of what was seen (engine.py has both).

Placeholders already in the text, and then each value found, are collapsed into one neutral character, and the surroundings are searched again
until nothing new comes up: so a masked text, searched again, gives nothing, and mask(mask(x)) == mask(x).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from addons.masks import encoded_words, escapes, jsontext
from addons.masks.detectors import DETECTORS, ENTITIES
from addons.masks.folding import folded
from addons.masks.plan import Plan
from addons.masks.placeholders import fingerprint, grammar, tail_of
from addons.masks.sight import BREAK, NEUTRAL, Sight
from addons.masks.spans import Span, united
from addons.masks.views import Builder, View

WITHHELD = "WITHHELD"
DEPTH = 5  # encodings inside encodings
SPARE = 1 << 20  # characters that decoding may produce, beyond twice the text's own
SECONDS = 3.0  # for one pattern on one text; every pattern is bounded, this is the last guard
ROUNDS = 4
_SHORT = 4096  # up to here a text is searched again as a whole
_AROUND = 400
_LONGEST_NAME = 80

_PLAN = Plan(DETECTORS)
_PLACEHOLDER = grammar(ENTITIES | {WITHHELD})


class Undecided(Exception):  # noqa: N818 - it is a state of the text, not a mistake
    """The text could not be searched in the time allowed. Nothing of it may be shown."""


def context_of(name: str) -> str:
    """The name a text stands under, where it can matter to any detector; "" for the many that cannot."""
    return name[:_LONGEST_NAME] if name and _PLAN.heeds(name) else ""


def detect(text: str, name: str, key: bytes, *, alone: bool = True, seconds: float = SECONDS) -> tuple[Span, ...]:
    """Every detection in the text, in no order, overlaps included.

    name: the key it stands under; alone: the text is all that somebody said, so that a bare number in it means something.
    """
    search = _Search(name, key, seconds, 2 * len(text) + SPARE, alone=alone)
    try:
        spans = search.whole(text)
    except TimeoutError:
        raise Undecided from None
    return jsontext.fitted(text, spans)


class _Search:
    """The searching of one text."""

    def __init__(self, name: str, key: bytes, seconds: float, budget: int, *, alone: bool) -> None:
        self._name = name
        self._key = key
        self._seconds = seconds
        self._budget = budget
        self._alone = alone

    def whole(self, text: str) -> tuple[Span, ...]:
        masked = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[" in text else []
        spans = fresh = tuple(self._sweep(collapsed(text, masked, [(0, len(text))]), 0, alone=self._alone))
        for _ in range(ROUNDS):
            if not fresh:
                break
            known = [(span.start, span.end) for span in united(spans)]
            places = [(0, len(text))] if len(text) <= _SHORT else _around(fresh, len(text))
            view = collapsed(text, sorted({*masked, *known}), places)
            fresh = tuple(self._sweep(view, 0, alone=self._alone and len(text) <= _SHORT))
            spans += fresh
        return spans

    def _sweep(self, view: View, depth: int, *, alone: bool) -> Iterator[Span]:
        view = folded(view)
        sight = Sight(view.text, self._name, alone=alone, timeout=self._seconds)
        for found in _PLAN.found(sight):
            start, end = view.source(found.start, found.end)
            digest = fingerprint(self._key, found.value)
            confidence = found.confidence + depth / 1000  # of two readings the decoded one names the value
            yield Span(start, end, found.entity, confidence, digest, tail_of(found.value))
        if depth < DEPTH:
            for inner in self._inner(view, sight):
                yield from self._sweep(inner, depth + 1, alone=alone)

    def _inner(self, view: View, sight: Sight) -> Iterator[View]:
        plain = escapes.unescaped(view)
        for inner in (*((plain,) if plain else ()), *encoded_words.readings(view, sight)):
            self._budget -= len(inner.text)
            if self._budget < 0:
                return
            yield inner


def collapsed(text: str, masked: Iterable[tuple[int, int]], places: Sequence[tuple[int, int]]) -> View:
    """The given places of the text, what is masked there shrunk to one neutral character. Ranges may overlap."""
    built = Builder(View(text))
    ranges = list(_merged(masked))
    if not ranges and list(places) == [(0, len(text))]:
        return View(text)
    for left, right in places:
        position = left
        for start, end in ranges:
            if left <= start and end <= right and start >= position:
                built.copy(position, start)
                built.add(NEUTRAL, start, end, 0)
                position = end
        built.copy(position, right)
        built.add(BREAK, right, right, 0)
    return built.view()


def _merged(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    last: tuple[int, int] | None = None
    for start, end in sorted(ranges):
        if last and start < last[1]:
            last = last[0], max(end, last[1])
        else:
            if last:
                yield last
            last = start, end
    if last:
        yield last


def _around(spans: Iterable[Span], length: int) -> list[tuple[int, int]]:
    """The surroundings of the spans, merged where they meet."""
    wide = ((max(0, span.start - _AROUND), min(length, span.end + _AROUND)) for span in spans)
    return list(_merged(wide))
