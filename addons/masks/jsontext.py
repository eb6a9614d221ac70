r"""A text that is JSON, as the pieces a search may look at: strings, numbers and keys, each by its place in the text. Not a parser of values (walk.py has those).

A placeholder may stand inside a string; a number it replaces as a whole, with quotes; everything else (brackets, commas, `true`) stays. So valid
JSON stays valid JSON. In a string that is JSON itself, the quotes are escaped once more: {"arguments": "{\"card\": \"[CREDIT_CARD]\"}"}. Source: RFC 8259.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import orjson
import regex

from addons.masks.sight import NEUTRAL
from addons.masks.spans import Span
from addons.masks.views import Builder, View

_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?')
_LONG_NUMBER = regex.compile(r"[0-9]{6,19}+(?:\.0)?(?![0-9.eE])")  # long enough to be somebody's
_SHORT_NUMBER = regex.compile(r"\s*+(-?[0-9]{3,5}+)(?![0-9.eE])")
_DIGIT_CLASS = bytes(
    ord("0") if chr(code).isdigit() and code < 0x80 else ord("x") if chr(code) in ".eE+" else ord(" ")
    for code in range(256)
)
_ESCAPE = regex.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.", regex.DOTALL)
_KEY = 2  # the group that only a key has
_SHORTEST_KEY, _SHORTEST_VALUE, _LONG_WORD = 6, 4, 16
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Unit(NamedTuple):
    """A piece of a text that is searched on its own: no value reaches over its ends. A tuple: a body has thousands."""

    start: int
    end: int
    name: str = ""  # the key it stands under, where that matters
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


def units(text: str, named: Callable[[str], str], above: str = "") -> list[Unit]:
    """The keys, strings and numbers of a JSON text. What follows a key, at any depth of lists but not beyond a brace, stands under it.

    named: the name where it matters to any detector, else ""; above: the one the whole text stands under. What no detector could find anything in is left out: most of a body is `"role"`
    and `"user"`.
    """
    found: list[Unit] = []
    heeded: dict[str, tuple[str, bool]] = {}
    numbers = _numbers(text)
    number = next(numbers, len(text))
    matters = above
    passed = 0
    brace, add = text.find, found.append
    for token in _STRING.finditer(text):
        start, end = token.span(1)
        while number < start:
            if number >= passed:  # else it stands in a string
                found.extend(_long_number(text, number, matters if brace("}", passed, number) < 0 else ""))
            number = next(numbers, len(text))
        if matters and brace("}", passed, start) >= 0:
            matters = ""
        passed = token.end()
        if token.lastindex == _KEY:
            key = token[1]
            if key not in heeded:
                heeded[key] = named(key), _may_be_value(key)
            matters, is_unit = heeded[key]
            if is_unit:
                add(Unit(start, end))
            if matters and (short := _SHORT_NUMBER.match(text, passed)):
                add(Unit(short.start(1), short.end(1), matters, is_number=True))
        elif end - start >= _LONG_WORD or matters or (end - start >= _SHORTEST_VALUE and not token[1].isalpha()):
            add(Unit(start, end, matters))
    while number < len(text):
        if number >= passed:
            found.extend(_long_number(text, number, matters if brace("}", passed, number) < 0 else ""))
        number = next(numbers, len(text))
    return found


def _may_be_value(key: str) -> bool:
    """A key may be a map's, and a value itself."""
    return len(key) >= _LONG_WORD or (len(key) >= _SHORTEST_KEY and not key.replace("_", "").isalpha())


def _numbers(text: str) -> Iterator[int]:
    """Where a long number may begin, or stands one that is masked already; in strings too. Not the digits of 0.0123456."""
    classes = b" " + text.encode("latin-1", "replace").translate(_DIGIT_CLASS)
    places = _places(classes, b" 000000")
    return iter(sorted((*places, *_places(text, NEUTRAL)))) if NEUTRAL in text else places


def _long_number(text: str, start: int, name: str) -> Iterator[Unit]:
    number = _LONG_NUMBER.match(text, start)
    if number or text[start] == NEUTRAL:
        yield Unit(
            start - (text[start - 1 : start] == "-"), number.end() if number else start + 1, name, is_number=True
        )


def _places[Text: (str, bytes)](text: Text, sought: Text) -> Iterator[int]:
    place = text.find(sought)
    while place >= 0:
        yield place
        place = text.find(sought, place + 1)


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
                start, end = whole_escapes(text, unit.start, start, end)
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


def whole_escapes(text: str, left: int, start: int, end: int) -> tuple[int, int]:
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
