"""Words that are base64, base32 or hexadecimal of readable text, read as that text. Not escapes (escapes.py), and not files: what does not decode to text is left alone.

Such a word stands as a whole for whatever is found in it: no part of it can be replaced alone. Sources: RFC 4648 4 to 8, RFC 2045 6.8 (lines of 76), RFC 1952.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

import regex

from addons.masks.expressions import expression
from addons.masks.sight import Sight
from addons.masks.views import Builder, View

_SHORTEST = 16
_UUID_LENGTH = 36
_INFLATED = 1 << 20
_HEX_DIGITS = re.compile(r"[0-9a-fA-F]+")
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
_WRAPPED = regex.compile(r"[A-Za-z0-9+/]{60,76}(?:\r?\n[ \t]{0,8}[A-Za-z0-9+/]{1,76}){1,20000}={0,2}")
_PADDED = expression(r"=(?<=[A-Za-z0-9+/_\-]{8}=)={0,2}(?![\w=])")
_BACK = regex.compile(r"(?r)(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{8,15}")
_PADDING = re.compile(r"={0,6}")
_FRACTION = re.compile(r"[0-9]\.[0-9]+$")  # 0.8414709848078965, up to the end of its run
_SEPARATORS = re.compile(r"[_\-]")
_PAIRS = regex.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[ :\-]){7,}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")
_PAIR_CLASS = bytes(
    ord("h") if chr(code) in "0123456789abcdefABCDEF" else ord("s") if chr(code) in " :-" else ord(".")
    for code in range(256)
)
# of each four letters of base64 the first says six bits of a byte and the second two more and four of the next: in text, none is a control
_LIKELY = re.compile(r"(?:[^ABEFGH][^BRhx]..){2,6}|.[AQgw][AB].A[C-H].A|H4sI")
_CONTROL = bytes({*range(32), 127} - {9, 10, 13})


def readings(view: View, sight: Sight) -> Iterator[View]:
    """Each encoded word of the view as a text of its own. `sight` is that of the view."""
    passed = 0
    for start, end in sight.runs:
        if start < passed:
            continue
        wrapped = (
            _WRAPPED.match(view.text, start, timeout=sight.timeout, concurrent=sight.shared)
            if end - start >= 60
            else None
        )
        if wrapped and (plain := _plain("".join(wrapped[0].split()))):
            passed = wrapped.end()
            yield _standing_for(view, plain, start, passed)
            continue
        yield from _of_run(view, start, end)
    if "=" in view.text:
        yield from _short(view, sight)
    yield from _pairs(view, sight)


def _of_run(view: View, start: int, end: int) -> Iterator[View]:
    if _FRACTION.match(view.text, max(0, start - 2), end):
        return
    if end - start == _UUID_LENGTH and view.text[start + 8] == "-" == view.text[start + 23]:
        return
    padding = _PADDING.match(view.text, end)
    closed = padding.end() if padding else end
    for left in (start, *_tails(view.text, start, end)):
        if plain := _plain(view.text[left:closed]):
            yield _standing_for(view, plain, left, closed)
            return


def _tails(text: str, start: int, end: int) -> Iterator[int]:
    """Where a word may begin behind a path or a prefix: v1/dXNlci… , key_dXNlci… , 0x68656c…"""
    slash = text.rfind("/", start, end) + 1
    if slash > start and end - slash >= _SHORTEST:
        yield slash
    prefix = _SEPARATORS.search(text, start, end - _SHORTEST)
    if prefix:
        yield prefix.end()
    if text[start : start + 2] in ("0x", "0X"):
        yield start + 2


def _short(view: View, sight: Sight) -> Iterator[View]:
    """Words too short for a run, but with padding: MDc4LTA1LTExMjM="""
    for padding in sight.each(_PADDED, view.text):
        back = _BACK.match(view.text, max(0, padding.start() - 16), padding.start())
        if back and (plain := _plain(back[0])):
            yield _standing_for(view, plain, back.start(), padding.end())


def _pairs(view: View, sight: Sight) -> Iterator[View]:
    """Hexadecimal in pairs: 34 31 31 31 or 34:31:31:31."""
    classes = sight.raw.translate(_PAIR_CLASS)
    place = classes.find(b"hhshhshhshhshhshh")
    while place >= 0:
        match = _PAIRS.match(view.text, place, timeout=sight.timeout, concurrent=sight.shared)
        if match and (plain := _readable(bytes.fromhex(regex.sub("[ :-]", "", match[0])))):
            yield _standing_for(view, plain, match.start(), match.end())
        place = classes.find(b"hhshhshhshhshhshh", match.end() if match else place + 1)


def _standing_for(view: View, plain: str, start: int, end: int) -> View:
    built = Builder(view)
    built.add(plain, start, end, 0)
    return built.view()


def _plain(word: str) -> str | None:
    """What the word says; None where that is not readable text."""
    letters = word.rstrip("=")
    if len(letters) % 2 == 0 and _HEX_DIGITS.fullmatch(letters) and (plain := _readable(bytes.fromhex(letters))):
        return plain
    if _BASE32.fullmatch(letters) and (plain := _readable(_decoded32(letters))):
        return plain
    if not _LIKELY.match(letters):
        return None
    letters = letters.replace("-", "+").replace("_", "/")
    if not letters.startswith("H4sI") and _readable(_decoded(letters[:24])) is None:
        return None
    raw = _decoded(letters)
    return _readable(_inflated(raw) if raw[:2] == b"\x1f\x8b" else raw)


def _decoded(letters: str) -> bytes:
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    try:
        return base64.b64decode(letters[:usable] + "=" * (-usable % 4))
    except (binascii.Error, ValueError):
        return b""


def _decoded32(letters: str) -> bytes:
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        return b""


def _inflated(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(raw, _INFLATED)
    except zlib.error:
        return b""


def _readable(raw: bytes) -> str | None:
    """UTF-8, or UTF-16 of mostly ASCII, with hardly a control character in it."""
    if len(raw.translate(None, _CONTROL)) * 2 < len(raw) - 1:  # half of UTF-16 is zeros
        return None
    text = raw.decode("utf-16-le", "ignore") if len(raw) >= 8 and raw[1::2].count(0) * 4 >= len(raw) else _utf_8(raw)
    if not text:
        return None
    strange = sum(1 for character in text if not (character.isprintable() or character in "\r\n\t"))
    return text if strange * 20 <= len(text) else None


def _utf_8(raw: bytes) -> str:
    """Nothing where a byte in the middle is wrong; a few may be cut off at the end."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        return raw[: error.start].decode() if error.start >= len(raw) - 3 else ""
