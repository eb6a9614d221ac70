"""A parsed JSON value, leaf by leaf: strings, numbers and keys. Not a parser, and it decides nothing: it hands leaves out and puts texts back.

Pointers are RFC 6901. The depth is bounded, because a few kilobytes of `[` are a deep tree and nothing else. Small leaves are searched together,
one after the other in a text of their own: a search of its own for every `"role": "user"` would cost a hundred times the leaf.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from addons.masks.sight import BREAK, NAME
from addons.masks.spans import Span

DEPTH = 200  # deeper than any request of a known provider by far; orjson writes 254
_SMALL = 400
_SHORTEST_NUMBER, _SHORTEST_VALUE, _LONG_WORD = 6, 4, 16
_OPENING = frozenset({"{", "[", " ", "\n", "\r", "\t"})


class TooDeepError(Exception):
    """The value nests deeper than `DEPTH`; search its text instead."""


class Place(NamedTuple):
    """One step of a path. A step that is a key is the leaf of that number: its masked form, not the key itself, goes into a pointer."""

    above: Place | None
    item: int  # in a list; -1 where the step is a key
    key: int  # the key's leaf; -1 where the step is an index


class Leaf(NamedTuple):
    """A string, a number as its text, or a key. `name` is the nearest key above, the leaf's context. A tuple: a body has thousands."""

    text: str
    name: str
    place: Place | None
    is_number: bool = False

    def __repr__(self) -> str:
        return f"Leaf(is_number={self.is_number})"

    @property
    def is_small(self) -> bool:
        """Fit to be searched with others. A long leaf, or one that may be JSON itself, is searched (and remembered) alone."""
        return len(self.text) <= _SMALL and self.text[:1] not in _OPENING

    def is_key(self, index: int) -> bool:
        """index: its own number."""
        return self.place is not None and self.place.key == index

    def is_dull(self, named: Callable[[str], str]) -> bool:
        """A word, or a number too short to be somebody's, under a name that says nothing: most of a body is `"role"` and `"user"`."""
        dull = len(self.text) < _SHORTEST_NUMBER if self.is_number else is_dull(self.text)
        return dull and not named(self.name)


def is_dull(text: str) -> bool:
    """A word or a few digits: under no name that says something, no detector finds anything in it."""
    length = len(text)
    return length < _SHORTEST_VALUE or (
        length < _LONG_WORD and (text.replace("_", "").isalpha() or (length < _SHORTEST_NUMBER and text.isdigit()))
    )


def pointer(root: str, index: int, leaves: Sequence[Leaf], texts: Sequence[str | None]) -> str:
    """Of the leaf of that number, RFC 6901 below `root`; of a key, its container's.

    Keys stand in it as they are shown, so that no pointer says what a value hides.
    """
    place = leaves[index].place
    if place is not None and leaves[index].is_key(index):
        place = place.above
    steps: list[str] = []
    while place is not None:
        masked = texts[place.key] if place.key >= 0 else str(place.item)
        steps.append(_escaped(leaves[place.key].text if masked is None else masked))
        place = place.above
    return "/".join([root, *reversed(steps)])


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def leaves(value: Any, name: str = "") -> list[Leaf]:
    """Every leaf in document order; a key comes just before its value."""
    found: list[Leaf] = []
    _gather(value, name, None, found, 0)
    return found


def _gather(value: Any, name: str, place: Place | None, found: list[Leaf], depth: int) -> None:
    if isinstance(value, str):
        found.append(Leaf(value, name, place))
    elif isinstance(value, dict | list):
        if depth > DEPTH:
            raise TooDeepError
        if isinstance(value, dict):
            for key, one in value.items():
                here = Place(place, -1, len(found))
                found.append(Leaf(key, "", here))
                _gather(one, key, here, found, depth + 1)
        else:
            for index, one in enumerate(value):
                _gather(one, name, Place(place, index, -1), found, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found.append(Leaf(str(value), name, place, is_number=True))


class Piece(NamedTuple):
    """A string of one event of a stream, and where it stands in it."""

    text: str
    name: str
    pointer: str
    container: Any
    key: Any


def columns(values: Sequence[Any]) -> Iterator[list[Piece]]:
    """The strings that stand at one place in several of the values, in order; not where all of them say the same."""
    found: dict[str, list[Piece]] = {}
    for value in values:
        _columned(value, "", "", found, 0)
    return (pieces for pieces in found.values() if len({piece.text for piece in pieces}) > 1)


def _columned(value: Any, name: str, path: str, found: dict[str, list[Piece]], depth: int) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        here, named = f"{path}/{_escaped(str(key))}", key if isinstance(key, str) else name
        if isinstance(one, str):
            found.setdefault(here, []).append(Piece(one, named, here[1:], value, key))
        elif depth < DEPTH:
            _columned(one, named, here, found, depth + 1)


def hides_a_key(text: str, value: Any) -> bool:
    """Whether an object of the JSON text has a key twice: only the last one is in the value."""
    if orjson.dumps(value) == text.encode():
        return False
    try:
        json.loads(text, object_pairs_hook=_unlike, parse_int=str, parse_float=str)
    except ValueError:
        return True
    return False


def _unlike(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError


def rebuilt(value: Any, texts: Iterator[str | None]) -> Any:
    """The value with leaves replaced: one text for each leaf, in the order of `leaves`; None leaves it as it is."""
    if isinstance(value, dict):
        return _renamed(value, texts)
    if isinstance(value, list):
        return [rebuilt(one, texts) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    text = next(texts)
    return value if text is None else text


def _renamed(items: dict[str, Any], texts: Iterator[str | None]) -> dict[str, Any]:
    """Two keys redacted to the same placeholder stay two entries."""
    result: dict[str, Any] = {}
    for key, value in items.items():
        text = next(texts)
        unique = plain = key if text is None else text
        number = 2
        while unique in result:
            unique, number = f"{plain} {number}", number + 1
        result[unique] = rebuilt(value, texts)
    return result


def joined(batch: Iterable[Leaf], named: Callable[[str], str]) -> tuple[str, list[int]]:
    """The leaves as one text, each behind its name where `named` says that it matters, and where each begins."""
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    for leaf in batch:
        name = named(leaf.name)
        head = f"{name}{NAME}" if name else ""
        starts.append(length + len(head))
        pieces.append(f"{head}{leaf.text}{BREAK}")
        length += len(pieces[-1])
    return "".join(pieces), starts


def parted(spans: Iterable[Span], batch: Sequence[Leaf], starts: Sequence[int]) -> dict[int, list[Span]]:
    """The spans of a joined text, by the leaf they lie in and in its own coordinates.

    A number is replaced as a whole.
    """
    parts: dict[int, list[Span]] = {}
    for span in spans:
        index = max(0, bisect_right(starts, span.start) - 1)
        while index < len(batch) and starts[index] < span.end:
            leaf, left = batch[index], starts[index]
            start, end = max(span.start - left, 0), min(span.end - left, len(leaf.text))
            if start < end:
                whole = (
                    replace(span, start=0, end=len(leaf.text))
                    if leaf.is_number
                    else replace(span, start=start, end=end)
                )
                parts.setdefault(index, []).append(whole)
            index += 1
    return parts
