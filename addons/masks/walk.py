"""A parsed JSON value, leaf by leaf: strings, numbers and keys. Not a parser, and it decides nothing: it hands leaves out and puts texts back.

Pointers are RFC 6901. The depth is bounded, because a few kilobytes of `[` are a deep tree and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

DEPTH = 200  # deeper than any request of a known provider by far; orjson writes 254


class TooDeepError(Exception):
    """The value nests deeper than `DEPTH`; search its text instead."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A string, a number as its text, or a key. `name` is the nearest key above, the leaf's context."""

    text: str = field(repr=False)
    name: str = field(repr=False)
    base: str = field(repr=False)  # pointer of the container
    step: str = field(repr=False)  # the leaf's place in it
    is_key: bool = False

    @property
    def pointer(self) -> str:
        return f"{self.base}/{escaped(self.step)}"


def escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def leaves(value: Any, pointer: str = "") -> list[Leaf]:
    """Every leaf in document order; a key comes just before its value."""
    found: list[Leaf] = []
    _gather(value, "", pointer, "", found.append, 0)
    return found


def _gather(value: Any, name: str, base: str, step: str, add: Callable[[Leaf], None], depth: int) -> None:
    if isinstance(value, str):
        add(Leaf(value, name, base, step))
    elif isinstance(value, dict | list):
        if depth > DEPTH:
            raise TooDeepError
        inner = f"{base}/{escaped(step)}" if depth else base
        if isinstance(value, dict):
            for key, one in value.items():
                add(Leaf(key, "", inner, key, is_key=True))
                _gather(one, key, inner, key, add, depth + 1)
        else:
            for index, one in enumerate(value):
                _gather(one, name, inner, str(index), add, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        add(Leaf(str(value), name, base, step))


def rebuilt(value: Any, texts: Iterator[str | None]) -> Any:
    """The value with leaves replaced: one text for each leaf, in the order of `leaves`; None leaves it as it is."""
    if isinstance(value, dict):
        return _renamed((_key(key, texts), rebuilt(one, texts)) for key, one in value.items())
    if isinstance(value, list):
        return [rebuilt(one, texts) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    text = next(texts)
    return value if text is None else text


def _key(key: str, texts: Iterator[str | None]) -> str:
    text = next(texts)
    return key if text is None else text


def _renamed(items: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    """Two keys redacted to the same placeholder stay two entries."""
    result: dict[str, Any] = {}
    for key, value in items:
        unique, number = key, 2
        while unique in result:
            unique, number = f"{key} {number}", number + 1
        result[unique] = value
    return result
