r"""A text that is JSON, as the pieces a search may look at: strings, numbers and keys, each by its place in the text. Not a parser of values (walk.py has those).

A placeholder may stand inside a string; a number it replaces as a whole, with quotes; everything else (brackets, commas, `true`) stays. So valid
JSON stays valid JSON. In a string that is JSON itself, the quotes are escaped once more: {"arguments": "{\"card\": \"[CREDIT_CARD]\"}"}. Source: RFC 8259.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import orjson
import regex

from addons.masks.sight import NEUTRAL
from addons.masks.spans import Span
from addons.masks.views import Builder, View

# strings and keys; numbers long enough to be somebody's (no 0.0123456 of an embedding); a number that is masked already
_TOKEN = regex.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|(?<![0-9.])(-?[0-9]{6,19}+(?:\.0)?(?![0-9.eE])|\x00)')
_ESCAPE = regex.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", regex.DOTALL)
_SHORTEST_KEY, _SHORTEST_VALUE = 6, 4
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a text that is searched on its own: no value reaches over its ends."""

    start: int
    end: int
    name: str = field(default="", repr=False)  # the key it stands under
    is_number: bool = False


def is_json(text: str) -> bool:
    """An object or an array, whole and valid. What is masked already counts as a number."""
    if text[:1] not in "{[ \t\r\n" or text.strip()[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text.replace(NEUTRAL, "0"))
    except orjson.JSONDecodeError:
        return False
    return True


def units(text: str) -> Iterator[Unit]:
    """The keys, strings and numbers of a JSON text. A string that follows a key, at any depth of lists, stands under it.

    What is shorter than any value is left out: most of a body is `"role"` and `"user"`.
    """
    name = ""
    for token in _TOKEN.finditer(text):
        if token[3] is not None:
            yield Unit(token.start(3), token.end(3), name, is_number=True)
            continue
        start, end = token.span(1)
        if token[2] is not None:
            name = token[1]
            if end - start >= _SHORTEST_KEY:
                yield Unit(start, end)
        elif end - start >= _SHORTEST_VALUE:
            yield Unit(start, end, name)


def unescaped(view: View) -> View:
    """The inside of a string as JSON means it."""
    built = Builder(view)
    position = 0
    for escape in _ESCAPE.finditer(view.text):
        start, end = escape.span()
        built.copy(position, start)
        _undo(built, escape[0], start, end)
        position = end
    built.copy(position, len(view.text))
    return built.view()


def fitted(text: str, among: Sequence[Unit], span: Span) -> Iterator[Span]:
    """The span's parts inside the units; of a number the whole, with quotes. `among` is in order."""
    index = max(0, bisect_right(among, span.start, key=_start) - 1)
    while index < len(among) and among[index].start < span.end:
        unit = among[index]
        start, end = max(span.start, unit.start), min(span.end, unit.end)
        if start < end:
            if unit.is_number:
                yield replace(span, start=unit.start, end=unit.end, quote='"')
            else:
                start, end = _whole_escapes(text, unit.start, start, end)
                yield replace(span, start=start, end=end)
        index += 1


def _start(unit: Unit) -> int:
    return unit.start


def _undo(built: Builder, escape: str, start: int, end: int) -> None:
    if not escape.startswith("\\u"):
        built.add(_SIMPLE.get(escape[1], escape[1]), start, end, 0)
        return
    plain = "".join(chr(int(escape[at + 2 : at + 6], 16)) for at in range(0, len(escape), 6))
    if not any("\ud800" <= character <= "\udfff" for character in plain):
        built.add(plain, start, end, 6)
        return
    for character in plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"):
        width = 12 if ord(character) > 0xFFFF else 6
        built.add(character, start, min(start + width, end), 0)
        start += width


def _whole_escapes(text: str, left: int, start: int, end: int) -> tuple[int, int]:
    r"""The range, grown where it would cut an escape in two: half of `\"` would close the string. `left` is where the string begins."""
    first, last = _escape_at(text, left, start), _escape_at(text, left, end)
    return first[0] if first else start, last[1] if last else end


def _escape_at(text: str, left: int, position: int) -> tuple[int, int] | None:
    """The escape that `position` lies inside, neither before nor after it."""
    last = text.rfind("\\", max(left, position - 6), position)
    first = last
    while first >= left and text[first] == "\\":
        first -= 1
    if (last - first) % 2 == 0:
        return None
    end = last + (6 if text[last + 1] == "u" else 2)
    return (last, end) if position < end else None


def escaped(quote: str) -> str:
    """How a quote is written one string deeper."""
    return quote.replace("\\", "\\\\").replace('"', '\\"')
