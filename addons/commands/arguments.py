"""A tool call's arguments: JSON text into its leaves, each with the key it stands under. Not what they mean: tools.py says that.

`{"command": "ls", "command": "rm -rf /"}` means one thing to one parser and another to the next, so both values are leaves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from addons.providers.call import Json

_LEAVES: Final = 4_000
_DEPTH: Final = 12
_INSIDE: Final = 200_000  # characters of a string that is tried as JSON of its own
_FAULTS: Final = (ValueError, RecursionError)

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    key: str  # the nearest name, lower case, without _ - and spaces: "filePath" and "file_path" are "filepath"
    value: Value = field(repr=False)  # a string, or a list of nothing but strings
    siblings: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # the strings beside it: ("method", "POST")

    def beside(self, *keys: str) -> str:
        return next((value for key, value in self.siblings if key in keys), "")


class _Pairs(list[tuple[str, Json]]):
    """An object as it is written, repeated keys and all."""


def parse(text: str) -> tuple[bool, Json]:
    """(whether it is JSON, the value with its objects as _Pairs)."""
    try:
        return True, json.loads(text, object_pairs_hook=_Pairs)
    except _FAULTS:
        return False, None


def is_object(value: Json) -> bool:
    return isinstance(value, _Pairs)


def plain_key(key: str) -> str:
    return key.replace("_", "").replace("-", "").replace(" ", "").lower()[:64]


def leaves(value: Json) -> tuple[list[Leaf], bool]:
    """(all strings in the order of the text, whether these are all: no more than _LEAVES are looked at)."""
    waiting: list[tuple[str, Json, tuple[tuple[str, str], ...], int]] = [("", value, (), 0)]
    found: list[Leaf] = []
    left, whole = _LEAVES, True
    while waiting and left > 0:
        key, here, siblings, depth = waiting.pop()
        left -= 1
        if isinstance(here, str):
            inner = _inside(here) if depth < 3 else None
            if inner is not None:
                waiting.append((key, inner, siblings, depth + 3))
            else:
                found.append(Leaf(key, here, siblings))
        elif not isinstance(here, list):
            continue
        elif depth >= _DEPTH:
            whole = False
        elif isinstance(here, _Pairs):
            beside = tuple(
                (plain_key(name), given) for name, given in here[:64] if isinstance(given, str) and len(given) < 4096
            )
            waiting.extend((plain_key(name), given, beside, depth + 1) for name, given in reversed(here))
        elif here and all(isinstance(word, str) for word in here):
            found.append(Leaf(key, tuple(here[:left]), siblings))
            left -= len(here)
            whole = whole and left >= 0
        else:
            waiting.extend((key, given, siblings, depth + 1) for given in reversed(here))
    return found, whole and not waiting


def _inside(text: str) -> Json:
    """A string that is a JSON object of its own: the arguments of a call inside a call."""
    if not text.startswith("{") or not text.rstrip().endswith("}") or len(text) > _INSIDE:
        return None
    known, value = parse(text)
    return value if known and isinstance(value, _Pairs) and value else None


def calls_inside(value: Json) -> Iterator[tuple[str, str]]:
    """(tool, arguments as JSON text) of multi_tool_use.parallel and its like."""
    for leaf in (
        [leaf for name, given in value if name == "tool_uses" and isinstance(given, list) for leaf in given]
        if is_object(value)
        else ()
    ):
        if not isinstance(leaf, _Pairs):
            continue
        named = dict(leaf)
        name, given = named.get("recipient_name") or named.get("name"), named.get("parameters") or named.get("input")
        if isinstance(name, str) and given is not None:
            yield name, json.dumps(_plain(given))


def _plain(value: Json, depth: int = 0) -> Json:
    if isinstance(value, _Pairs):
        return {key: _plain(given, depth + 1) for key, given in value} if depth < _DEPTH else {}
    return [_plain(given, depth + 1) for given in value] if isinstance(value, list) and depth < _DEPTH else value
