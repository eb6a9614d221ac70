"""Text inside text: escapes and encodings that hide a value from a pattern, undone with a map back to where they stood. Not a detector.

Two kinds. Escapes are undone in place, with the text around them: \\u0034 \\x34 %34 &#52; =34. Words that are base64 or hexadecimal of
readable text are texts of their own, and stand for the whole word: no part of it can be replaced alone. What comes out is searched again, and
may hide more (detection.py bounds depth and size). Sources: RFC 8259 7, RFC 3986 2.1, WHATWG HTML 13.5, RFC 2045 6.7 and 6.8, RFC 4648 4 and 5.
"""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Iterator

import regex

from addons.masks.sight import BREAK, Sight
from addons.masks.views import Builder, View

_AROUND = 200  # characters on either side of an escape that are read with it: a key name, the rest of a value
_ESCAPES = (
    (
        "\\",
        (
            regex.compile(r"(?:\\u[0-9a-fA-F]{4})+"),
            regex.compile(r"(?:\\u\{[0-9a-fA-F]{1,6}\})+"),
            regex.compile(r"(?:\\U[0-9a-fA-F]{8})+"),
            regex.compile(r"(?:\\x[0-9a-fA-F]{2})+"),
            regex.compile(r"(?:\\/)+"),
        ),
    ),
    ("%", (regex.compile(r"(?:%[0-9a-fA-F]{2})+"),)),
    ("&", (regex.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});"),)),
)
_PRINTABLE = regex.compile(r"(?:=[0-9A-F]{2})+|=\r?\n")
_THREE_BYTES = regex.compile(r"(?:=[0-9A-F]{2}){3}")
_HEX_DIGITS = regex.compile(r"[0-9a-fA-F]+")
_WRAPPED = regex.compile(r"[A-Za-z0-9+/]{60,76}(?:\r?\n[ \t]{0,8}[A-Za-z0-9+/]{1,76}){1,20000}={0,2}")
# of each four letters of base64 the first says six bits of a byte and the second two more and four of the next: in text, none is a control
_LIKELY = regex.compile(r"(?:[^ABEFGH][^BRhx]..){4,6}")
_PADDING = regex.compile(r"={0,2}")
_SEPARATORS = regex.compile(r"[_\-]")
_SHORTEST = 16
_UUID_LENGTH = 36
_CONTROL = bytes({*range(32), 127} - {9, 10, 13})


def unescaped(view: View) -> View | None:
    """The view with its escapes undone, and only their surroundings kept; None where there are none."""
    found = sorted(_escapes(view.text))
    if not found:
        return None
    built = Builder(view)
    for first, last in _windows(found, len(view.text)):
        built.add(BREAK, first[0], first[0], 0)
        _rebuild(built, view.text, first, last, found)
    return built.view()


def _escapes(text: str) -> Iterator[tuple[int, int]]:
    for literal, patterns in _ESCAPES:
        if literal in text:
            for pattern in patterns:
                yield from (match.span() for match in pattern.finditer(text))
    if "=" in text and _is_quoted_printable(text):
        yield from (match.span() for match in _PRINTABLE.finditer(text))


def _is_quoted_printable(text: str) -> bool:
    return "=3D" in text or "=\n" in text or "=\r\n" in text or _THREE_BYTES.search(text) is not None


def _windows(found: list[tuple[int, int]], length: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(from, to) in the text and (first, after the last) in `found`, for each stretch of text with escapes in it."""
    begin = 0
    for index, (_, end) in enumerate(found):
        if index + 1 == len(found) or found[index + 1][0] - end > 2 * _AROUND:
            yield (max(0, found[begin][0] - _AROUND), min(length, end + _AROUND)), (begin, index + 1)
            begin = index + 1


def _rebuild(
    built: Builder, text: str, window: tuple[int, int], indexes: tuple[int, int], found: list[tuple[int, int]]
) -> None:
    position = window[0]
    for start, end in found[slice(*indexes)]:
        if start < position:  # `%` inside `&…;` and the like: the first one has it
            continue
        built.copy(position, start)
        _undo(built, text[start:end], start)
        position = end
    built.copy(position, window[1])


def _undo(built: Builder, run: str, start: int) -> None:
    end = start + len(run)
    if run[0] == "&":
        built.add(html.unescape(run), start, end, 0)
    elif run[0] == "%" or (run[0] == "=" and run[1] not in "\r\n"):
        _bytes(built, bytes.fromhex(run.replace(run[0], "")), start, 3)
    elif run.startswith("\\x"):
        _bytes(built, bytes.fromhex(run.replace("\\x", "")), start, 4)
    elif run.startswith("\\/"):
        built.add("/" * (len(run) // 2), start, end, 2)
    elif run.startswith("\\u{"):
        for match in regex.finditer(r"\\u\{([0-9a-fA-F]+)\}", run):
            built.add(_character(match[1]), start + match.start(), start + match.end(), 0)
    elif run.startswith("\\"):
        _units(built, run, start, 6 if run[1] == "u" else 10)


def _bytes(built: Builder, raw: bytes, start: int, step: int) -> None:
    """Bytes, each written with `step` characters; more than one may make a character."""
    if raw.isascii():
        built.add(raw.decode(), start, start + len(raw) * step, step)
        return
    for character in (
        raw.decode("utf-8", "replace" if _is_utf8(raw) else "ignore") if _is_utf8(raw) else raw.decode("latin-1")
    ):
        width = len(character.encode()) if _is_utf8(raw) else 1
        built.add(character, start, start + width * step, 0)
        start += width * step


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _units(built: Builder, run: str, start: int, step: int) -> None:
    """UTF-16 code units (\\uXXXX) or code points (\\UXXXXXXXX)."""
    codes = [run[at + 2 : at + step] for at in range(0, len(run), step)]
    plain = "".join(map(_character, codes))
    if not any("\ud800" <= character <= "\udfff" for character in plain):
        built.add(plain, start, start + len(run), step)
        return
    for character in plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"):
        width = step * (2 if ord(character) > 0xFFFF else 1)
        built.add(character, start, start + width, 0)
        start += width


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else "�"


def words(view: View, sight: Sight) -> Iterator[View]:
    """Each word of the view that is base64 or hexadecimal of readable text, as that text."""
    passed = 0
    for start, end in sight.runs:
        if start < passed:
            continue
        wrapped = _WRAPPED.match(view.text, start, timeout=sight.timeout) if end - start >= 60 else None
        if wrapped and (plain := _plain("".join(wrapped[0].split()))):
            passed = wrapped.end()
            yield _standing_for(view, plain, start, passed)
            continue
        yield from _of_run(view, start, end)


def _of_run(view: View, start: int, end: int) -> Iterator[View]:
    if end - start == _UUID_LENGTH and view.text[start + 8] == "-" == view.text[start + 23]:
        return
    padded = _PADDING.match(view.text, end)
    closed = padded.end() if padded else end
    if plain := _plain(view.text[start:closed]):
        yield _standing_for(view, plain, start, closed)
        return
    for left in _tails(view.text, start, end):
        if plain := _plain(view.text[left:closed]):
            yield _standing_for(view, plain, left, closed)
            return


def _tails(text: str, start: int, end: int) -> Iterator[int]:
    """Where a word may begin behind a path or a prefix: v1/dXNlci… , key_dXNlci…"""
    slash = text.rfind("/", start, end) + 1
    if slash > start and end - slash >= _SHORTEST:
        yield slash
    prefix = _SEPARATORS.search(text, start, end - _SHORTEST)
    if prefix:
        yield prefix.end()


def _standing_for(view: View, plain: str, start: int, end: int) -> View:
    built = Builder(view)
    built.add(plain, start, end, 0)
    return built.view()


def _plain(word: str) -> str | None:
    """What the word says in hexadecimal, else in base64; None where that is not readable text."""
    if len(word) % 2 == 0 and _HEX_DIGITS.fullmatch(word) and (plain := _readable(bytes.fromhex(word))):
        return plain
    if not _LIKELY.match(word):
        return None
    letters = word.rstrip("=").replace("-", "+").replace("_", "/")
    if len(letters) < _SHORTEST or _readable(_decoded(letters[:24])) is None:
        return None
    return _readable(_decoded(letters))


def _decoded(letters: str) -> bytes:
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    try:
        return base64.b64decode(letters[:usable] + "=" * (-usable % 4))
    except (binascii.Error, ValueError):
        return b""


def _readable(raw: bytes) -> str | None:
    """UTF-8, or UTF-16 of mostly ASCII, with hardly a control character in it."""
    if len(raw.translate(None, _CONTROL)) * 2 < len(raw) - 1:  # half of UTF-16 is zeros
        return None
    if len(raw) >= 8 and raw[1::2].count(0) * 4 >= len(raw):
        text = raw.decode("utf-16-le", "ignore")
    else:
        text = raw.decode("utf-8", "ignore")
        if len(text.encode()) < len(raw) - 3:  # a few bytes may be cut off at the end, none in the middle
            return None
    if not text:
        return None
    strange = sum(1 for character in text if not (character.isprintable() or character in "\r\n\t"))
    return text if strange * 20 <= len(text) else None
