"""Canonical JSON (RFC 8785) of the few shapes that leaves and payloads are made of. Not a general encoder: rfc8785 is one.

Values are str, int below 2^53, bool, None, lists and dicts with ASCII keys. For these, orjson with sorted keys writes the very bytes
that RFC 8785 asks for, ten times as fast (a hypothesis test holds the two against each other); floats and other keys are
where they would differ, so they are refused here: JSON of foreign making is carried as a string.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

Attr = Any  # str | int | bool | None | list[Attr] | dict[str, Attr]; see `checked`

_SORTED = orjson.OPT_SORT_KEYS
INTEGERS_BELOW = 2**53  # RFC 8785 carries numbers as IEEE 754 doubles
_NUL, _NUL_SHOWN = "\0", "\u2400"


class RecordInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """A record that cannot be written as it is. The caller's fault; the store itself goes on."""


def canonical(value: Attr) -> bytes:
    """RFC 8785 bytes of a value that `checked` made or that this room built from such values."""
    return orjson.dumps(value, option=_SORTED)


def storable(text: str) -> str:
    """`text` as every reader of the store sees it whole.

    NUL becomes U+2400, because sqlite3's shell and SQL functions end a text there and what follows would be hidden from whoever
    reads the evidence; half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD.
    """
    if _NUL in text:
        text = text.replace(_NUL, _NUL_SHOWN)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def checked(value: Attr, place: str) -> Attr:
    """A copy of `value` that `canonical` may write, or RecordInvalid naming the place (never the value)."""
    match value:
        case None | bool():
            return value
        case str():
            return storable(value)
        case int() if -INTEGERS_BELOW < value < INTEGERS_BELOW:
            return int(value)
        case list() | tuple():
            return [checked(item, f"{place}/{index}") for index, item in enumerate(value)]
        case Mapping():
            return {_key(key, place): checked(item, f"{place}/{key}") for key, item in value.items()}
    raise RecordInvalid(
        f"{place}: expected text, an integer below 2^53, a boolean, a list or an object, got {type(value).__name__}; "
        "carry other JSON as a string"
    )


def _key(key: object, place: str) -> str:
    if isinstance(key, str) and key.isascii() and key.isprintable():
        return key
    raise RecordInvalid(f"{place}: expected keys of printable ASCII, got another; carry foreign JSON as a string")
