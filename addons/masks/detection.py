"""Text in, spans out: take apart, fold, find, decode, find again. Not what is done about them, and no memory of what was seen (engine.py has both).

Placeholders already in the text, and then each value found, are collapsed into one neutral character, and the surroundings are searched again
until nothing new comes up: so a masked text, searched again, gives nothing, and mask(mask(x)) == mask(x).
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

import regex

from addons.masks import encoded_words, escapes, jsontext
from addons.masks.custom import NONE, Extra
from addons.masks.detectors import DETECTORS, ENTITIES, less
from addons.masks.folding import folded
from addons.masks.jsontext import Unit
from addons.masks.placeholders import fingerprint, places, tail_of
from addons.masks.plan import Plan
from addons.masks.sight import BREAK, NAME, NEUTRAL, Deadline, Sight
from addons.masks.spans import Span, united
from addons.masks.views import Builder, View

WITHHELD = "WITHHELD"
DEPTH = 5  # encodings inside encodings, JSON inside JSON
SPARE = 1 << 20  # characters that decoding may produce, beyond twice the text's own
SECONDS, SECONDS_A_MEGABYTE = (
    3.0,
    6.0,
)  # ten times what the worst text took; every pattern is bounded, this is the last guard
ROUNDS = 4
_WHOLE = 1024  # up to here a piece is searched again as a whole
_AROUND = 160  # as far as words are looked for, and the longest number
_BEFORE, _AFTER = regex.compile(r"(?r)\S{0,4096}+"), re.compile(r"\S{0,4096}+")
_OPENING = frozenset({"{", "[", " "})

_NAME = regex.compile(r"[\w .\-/$#:]{1,64}")
_LONGEST_NAME = 64
_PLAN = Plan(DETECTORS)
_heeds = lru_cache(4096)(_PLAN.heeds)


@lru_cache(8)
def _plan(without: frozenset[str]) -> Plan:
    """Of what is looked for."""
    return Plan(less(without)) if without else _PLAN


FIELD = "FIELD"  # the whole of a field that a rule names
_SHOWN = ENTITIES | {WITHHELD, FIELD}


class Undecided(Exception):  # noqa: N818 - it is a state of the text, not a mistake
    """The text could not be searched in the time allowed. Nothing of it may be shown."""


def context_of(name: str) -> str:
    """The name a text stands under, where it can matter to any detector; "" for the many that cannot. A sentence, or a value, is no name."""
    if name.replace("_", "").replace("-", "").isalpha():  # no value is only letters, so it may be remembered
        return name if len(name) <= _LONGEST_NAME and _heeds(name) else ""
    return name if name and _NAME.fullmatch(name) and _PLAN.heeds(name) else ""


def named(name: str) -> str:
    """The name, where a pattern of the policy may read anything into it."""
    return context_of(name) or (name if _NAME.fullmatch(name) else "text")


def detect(
    text: str,
    name: str,
    key: bytes,
    *,
    alone: bool = True,
    clock: Callable[[], float] = time.monotonic,
    extra: Extra = NONE,
) -> tuple[Span, ...]:
    """Every detection in the text, in no order, overlaps included.

    name: the key it stands under; alone: the text is all that somebody said, so that a bare number in it means something.
    """
    deadline = Deadline(clock, clock() + SECONDS + SECONDS_A_MEGABYTE * len(text) / 1e6)
    search = _Search(name, key, deadline, 2 * len(text) + SPARE, alone=alone, extra=extra)
    try:
        return search.whole(text)
    except TimeoutError:
        raise Undecided from None


class _Search:
    """The searching of one text."""

    def __init__(
        self, name: str, key: bytes, deadline: Deadline, budget: int, *, alone: bool, extra: Extra = NONE
    ) -> None:
        self._extra = extra.detectors
        self._without, self._plan = extra.without, _plan(extra.without)
        self._shown = _SHOWN | extra.entities if extra.detectors else _SHOWN
        self._named = named if extra.detectors else context_of
        self._name = name
        self._key = key
        self._deadline = deadline
        self._budget = budget
        self._alone = alone
        self._marks: dict[str, tuple[str, str]] = {}  # digest and tail of each value

    def whole(self, text: str) -> tuple[Span, ...]:
        view = View(text)
        masked = places(text, self._shown)
        units = jsontext.units(text, self._named) if jsontext.is_json(text) else []
        spans = fresh = tuple(self._once(view, units, masked))
        for _ in range(ROUNDS):
            if not fresh:
                break
            found = ((span.start, span.end) for span in united(spans))
            hidden = sorted(dict.fromkeys(chain(masked, found)))  # nearly in order, so sorted in no time
            fresh = tuple(self._again(view, units, hidden, fresh))
            spans += fresh
        return spans

    def _once(self, view: View, units: Sequence[Unit], masked: Sequence[tuple[int, int]]) -> Iterator[Span]:
        if units:
            yield from self._apart(view, units, masked, 0)
        elif masked:
            yield from self._sweep(collapsed(view, masked, [Unit(0, len(view.text))]), 0, alone=self._alone)
        else:
            yield from self._sweep(view, 0, alone=self._alone)

    def _again(
        self, view: View, units: Sequence[Unit], hidden: Sequence[tuple[int, int]], fresh: Sequence[Span]
    ) -> Iterator[Span]:
        """Only around what was found: nothing else can have changed."""
        if units:
            yield from self._apart(view, tuple(_touched(view.text, units, fresh)), hidden, 0)
        elif len(view.text) <= _WHOLE:
            yield from self._sweep(collapsed(view, hidden, [Unit(0, len(view.text))]), 0, alone=self._alone)
        else:
            around = [Unit(*place) for place in _around(view.text, fresh, 0, len(view.text))]
            yield from self._sweep(collapsed(view, hidden, around), 0, alone=False)

    def _apart(
        self, view: View, units: Sequence[Unit], masked: Sequence[tuple[int, int]], depth: int
    ) -> Iterator[Span]:
        """JSON: its pieces one after the other in one search, and those that are JSON themselves each in its own."""
        inside = dict(self._nested(view, units, masked) if depth < DEPTH else ())
        plain = [unit for unit in units if unit not in inside]
        for span in self._sweep(collapsed(view, masked, plain), depth, alone=False):
            yield from jsontext.fitted(view.text, plain, span)
        for unit, inner in inside.items():
            core = View(inner.text)
            for span in self._apart(core, jsontext.units(core.text, self._named, unit.name), (), depth + 1):
                start, end = inner.source(span.start, span.end)
                yield replace(span, start=start, end=end, quote=jsontext.escaped(span.quote))

    def _nested(
        self, view: View, units: Sequence[Unit], masked: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[Unit, View]]:
        for unit in units:
            if not unit.is_number and view.text[unit.start : unit.start + 1] in _OPENING:
                inner = jsontext.unescaped(collapsed(view, masked, [Unit(unit.start, unit.end)]))
                if jsontext.is_json(inner.text):
                    yield unit, inner

    def _sweep(self, view: View, depth: int, *, alone: bool) -> Iterator[Span]:
        """What is found in the view, in the coordinates of the outermost text."""
        view = folded(view)
        sight = Sight(view.text, self._name, alone=alone, deadline=self._deadline)
        for found in chain(self._plan.found(sight), *(one.find(sight) for one in self._extra)):
            if found.entity in self._without:
                continue  # of a detector that finds other kinds too
            start, end = view.source(found.start, found.end)
            if found.value not in self._marks:
                self._marks[found.value] = fingerprint(self._key, found.value), tail_of(found.value)
            digest, tail = self._marks[found.value]
            confidence = found.confidence + depth / 1000  # of two readings the decoded one names the value
            yield Span(start, end, found.entity, confidence, digest, tail)
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


def collapsed(view: View, masked: Sequence[tuple[int, int]], units: Sequence[Unit]) -> View:
    """The units one after the other, each behind its name, what is masked in them shrunk to one neutral character. Ranges may overlap."""
    built = Builder(view)
    ranges = list(_merged(masked))
    heads: dict[str, str] = {}
    several = len(units) > 1
    add, text = built.add, view.text
    for unit in units:
        start, end, name, _ = unit
        if several or name:
            head = heads.get(name)
            if head is None:
                head = heads[name] = BREAK + (f"{name}{NAME}" if name else "")
            add(head, start, start, 0)
        if ranges:
            _shrink(built, unit, ranges)
        else:
            add(text[start:end], start, end)
    return built.view()


def _shrink(built: Builder, unit: Unit, ranges: Sequence[tuple[int, int]]) -> None:
    position = unit.start
    index = bisect_right(ranges, (unit.start, -1))
    while index < len(ranges) and ranges[index][0] < unit.end:
        start, end = ranges[index]
        index += 1
        if end <= unit.end:
            built.copy(position, start)
            built.add(NEUTRAL, start, end, 0)
            position = end
    built.copy(position, unit.end)


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


def _around(text: str, spans: Iterable[Span], left: int, right: int) -> list[tuple[int, int]]:
    """The surroundings of the spans between `left` and `right`, merged where they meet. No word is cut in two, so that its rest is not taken for one."""
    wide = (
        (
            _word_before(text, left, max(left, span.start - _AROUND)),
            _word_after(text, min(right, span.end + _AROUND), right),
        )
        for span in spans
        if left <= span.start < right
    )
    return list(_merged(wide))


def _word_before(text: str, left: int, place: int) -> int:
    match = _BEFORE.match(text, left, place)
    return match.start() if match else place


def _word_after(text: str, place: int, right: int) -> int:
    match = _AFTER.match(text, place, right)
    return match.end() if match else place


def _touched(text: str, units: Sequence[Unit], spans: Sequence[Span]) -> Iterator[Unit]:
    """The units in which something was found; of long ones only the surroundings of it."""
    starts = sorted(span.start for span in spans)
    for unit in units:
        if bisect_left(starts, unit.start) == bisect_left(starts, unit.end):
            continue
        if unit.end - unit.start <= _WHOLE:
            yield unit
        else:
            yield from (
                unit._replace(start=start, end=end) for start, end in _around(text, spans, unit.start, unit.end)
            )
