r"""Escapes, undone in place with the text around them and a map back: \u0034 \x34 \064 %34 %u0034 &#52; =34 U+0034. Not words that are encoded as a whole (encoded_words.py).

Sources: RFC 8259 7 and ECMA-262 12.9.4 (backslashes), RFC 3986 2.1 (percent), WHATWG HTML 13.5 (character references), RFC 2045 6.7 (quoted-printable).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

from addons.masks.literals import blocks
from addons.masks.sight import BREAK, SHARED
from addons.masks.views import Builder, View

_BEFORE, _AFTER = 100, 200  # characters that are read with an escape: a key name, the rest of a value
_SIGNS_OF_QUOTING, _SOFT_BREAKS = re.compile(r"=(?:3D|[0-9A-F]{2}(?:=[0-9A-F]{2}){2}|\r?\n)"), {"=\n", "=\r"}
_LONGEST_SIGN = 9
_ONE_BYTE = regex.compile(r"=[89A-F][0-9A-F]|=20(?=\r?\n)")
_AFTER_BACKSLASH = regex.compile(r"\\([uUx0-3/])")
_BRACED = regex.compile(r"\\u\{([0-9a-fA-F]+)\}")


@dataclass(frozen=True, slots=True)
class Escape:
    """A run of escapes of one kind: the literal without which there is none, what it looks like, how it is undone."""

    literal: str
    pattern: regex.Pattern[str]
    undo: Callable[[Builder, str, int], None]


def unescaped(view: View) -> View | None:
    """The view with its escapes undone, and only their surroundings kept; None where there are none."""
    text = view.text
    if not ("\\" in text or "%" in text or "&" in text or "=" in text or "+" in text):
        return None
    found = list(_runs(text))
    if any(one[:2] > other[:2] for one, other in pairwise(found)):  # of several kinds
        found.sort(key=lambda one: one[:2])
    if not found:
        return None
    built = Builder(view)
    for begin, end in _groups(found):
        left = max(0, found[begin][0] - _BEFORE)
        built.add(BREAK, left, left, 0)
        _rebuild(built, text, left, found[begin:end])
    return built.view()


def _runs(text: str) -> Iterator[tuple[int, int, Escape]]:
    after_backslash = {"\\" + letter for letter in _AFTER_BACKSLASH.findall(text)} if "\\" in text else set()
    if after_backslash and "\\\\" in text:
        after_backslash.add("\\\\")
    signs = {sign for sign in "%&+" if sign in text}
    for escape in _ESCAPES:
        if (
            escape.literal in after_backslash
            if escape.literal[0] == "\\"
            else not signs.isdisjoint(escape.literal) and escape.literal in text
        ):
            yield from (
                (*match.span(), escape) for match in escape.pattern.finditer(text, concurrent=len(text) > SHARED)
            )
    if "=" in text and _is_quoted_printable(text):
        yield from ((*match.span(), _QUOTED) for match in _QUOTED.pattern.finditer(text, concurrent=len(text) > SHARED))


def _is_quoted_printable(text: str) -> bool:
    """`x=10` is not, nor a line that ends in `=`: it takes an escaped `=`, three bytes in a row, or both a byte and a soft line break."""
    said = {  # nearly always nothing
        found[0][:2]
        for at, end in blocks(len(text))
        for found in _SIGNS_OF_QUOTING.finditer(text, at, end + _LONGEST_SIGN)
    }
    return bool(said - _SOFT_BREAKS) or (bool(said) and _ONE_BYTE.search(text) is not None)


def _groups(found: list[tuple[int, int, Escape]]) -> Iterator[tuple[int, int]]:
    """First and after the last of the runs whose surroundings meet."""
    begin = 0
    for index in range(1, len(found)):
        if found[index][0] - found[index - 1][1] > _BEFORE + _AFTER:
            yield begin, index
            begin = index
    yield begin, len(found)


def _rebuild(built: Builder, text: str, left: int, runs: list[tuple[int, int, Escape]]) -> None:
    position = left
    for start, end, escape in runs:
        if start >= position:  # else it stands in the one before
            built.copy(position, start)
            escape.undo(built, text[start:end], start)
            position = end
    built.copy(position, min(len(text), position + _AFTER))


def _bytes_of(mark: str, step: int, base: int = 16) -> Callable[[Builder, str, int], None]:
    """Undoes runs that spell bytes, `step` characters each, of which the digits follow `mark`."""

    def undo(built: Builder, run: str, start: int) -> None:
        raw = bytes(int(run[at + len(mark) : at + step], base) for at in range(0, len(run), step))
        if raw.isascii():
            built.add(raw.decode(), start, start + len(run), step)
            return
        for character in _characters(raw):
            width = step * (len(character.encode()) if raw.decode("utf-8", "ignore") else 1)
            built.add(character, start, start + width, 0)
            start += width

    return undo


def _characters(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _units_of(mark: str, step: int) -> Callable[[Builder, str, int], None]:
    """Undoes runs that spell UTF-16 code units or code points."""

    def undo(built: Builder, run: str, start: int) -> None:
        plain = "".join(_character(run[at + len(mark) : at + step]) for at in range(0, len(run), step))
        if not any("\ud800" <= character <= "\udfff" for character in plain):
            built.add(plain, start, start + len(run), step)
            return
        for character in plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"):
            width = step * (2 if ord(character) > 0xFFFF else 1)
            built.add(character, start, min(start + width, start + len(run)), 0)
            start += width

    return undo


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else "�"


def _braced(built: Builder, run: str, start: int) -> None:
    for match in _BRACED.finditer(run):
        built.add(_character(match[1]), start + match.start(), start + match.end(), 0)


def _reference(built: Builder, run: str, start: int) -> None:
    built.add(html.unescape(run), start, start + len(run), 0)


def _named_points(built: Builder, run: str, start: int) -> None:
    for match in regex.finditer(r"U\+([0-9A-Fa-f]{4,6})[ ,]?", run):
        built.add(_character(match[1]), start + match.start(), start + match.end(), 0)


def _slashes(built: Builder, run: str, start: int) -> None:
    built.add("/" * (len(run) // 2), start, start + len(run), 2)


def _space(built: Builder, run: str, start: int) -> None:
    built.add(" " * len(run), start, start + len(run), 1)


def _soft_break_or_bytes(built: Builder, run: str, start: int) -> None:
    if run[1] not in "\r\n":
        _bytes_of("=", 3)(built, run, start)


def _halved(built: Builder, run: str, start: int) -> None:
    built.add("\\" * (len(run) // 2), start, start + len(run), 0)


_ESCAPES = (
    Escape(
        "\\\\", regex.compile(r"(?<!\\)(?:\\\\){1,4}+(?=\\?[uUx0-3/])"), _halved
    ),  # escaped once more: a string inside a text that is no whole JSON
    Escape("\\u", regex.compile(r"(?:\\u[0-9a-fA-F]{4})+"), _units_of("\\u", 6)),
    Escape("\\u", regex.compile(r"(?:\\u\{[0-9a-fA-F]{1,6}\})+"), _braced),
    Escape("\\U", regex.compile(r"(?:\\U[0-9a-fA-F]{8})+"), _units_of("\\U", 10)),
    Escape("\\x", regex.compile(r"(?:\\x[0-9a-fA-F]{2})+"), _bytes_of("\\x", 4)),
    *(Escape(f"\\{digit}", regex.compile(rf"(?:\\{digit}[0-7]{{2}})+"), _bytes_of("\\", 4, 8)) for digit in "0123"),
    Escape("\\/", regex.compile(r"(?:\\/)+"), _slashes),
    Escape("%", regex.compile(r"(?:%[0-9a-fA-F]{2})+"), _bytes_of("%", 3)),
    Escape("%u", regex.compile(r"(?:%u[0-9a-fA-F]{4})+"), _units_of("%u", 6)),
    Escape("&", regex.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});"), _reference),
    Escape("U+", regex.compile(r"(?:U\+[0-9A-Fa-f]{4,6}[ ,]?){4,}"), _named_points),
    Escape(
        "+", regex.compile(r"\+(?<=[=&?;][0-9A-Z+%.\-]{1,40}\+)(?=[0-9A-Z])"), _space
    ),  # a space in a query: 4111+1111+…
)
_QUOTED = Escape("=", regex.compile(r"(?:=[0-9A-F]{2})+|=\r?\n"), _soft_break_or_bytes)
