"""A text prepared for searching: cheap passes over the whole text leave short strips, and the many patterns run on the strips alone.

    numbers   phrases of six or more digits: cards, accounts, national numbers, telephones
    capitals  places where a capital stands next to a digit: IBANs, passports, tax codes
    dotted    three or more numbers with dots between: addresses of version 4
    colons    hexadecimal between colons or hyphens: addresses of version 6, of hardware
    tokens    unbroken runs of sixteen or more token characters: keys, hashes, base64

A megabyte of prose, code and JSON leaves a few per cent in the strips; a megabyte of digits leaves all of it in one. Not a detector, and it
decides nothing. Strategy: runs are found in a class copy (bytes.translate, then bytes.find of a run of one letter), which skips over the text
instead of stepping through it; measured 2 ms a megabyte where a `regex` of the same meaning takes 65.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import regex

RUN = 16  # the shortest run of token characters worth a look
BREAK = "\x1e"  # between pieces of a strip; no pattern may match it
NAME = "\x1d"  # in joined JSON leaves, between a key and its value
NEUTRAL = "\x00"  # stands for a value that is already masked

_LONGEST_WORD = 64
_BLOB_END = 512
_NUMBERS = regex.compile(
    r"(?<![0-9])(?<![0-9]\.)[0-9](?![0-9]{0,2}\.[0-9]{5,}(?![0-9.]))(?:[ .\-/()]{0,2}[0-9]){5,400}"
)  # no 0.1234567
_DOTTED = regex.compile(r"\.[0-9]{1,3}\.[0-9]")
_COLONS = regex.compile(r"[:\-][0-9A-Fa-f]{0,4}[:\-](?=[0-9A-Fa-f])|::(?=[0-9A-Fa-f\s])|\.[0-9A-Fa-f]{4}\.")


def _classes(choose: Callable[[str], str]) -> bytes:
    return bytes(ord(choose(chr(code))) if code < 0x80 else ord(" ") for code in range(256))


_TOKEN_CLASS = _classes(lambda letter: "a" if letter.isalnum() or letter in "_-+/" else " ")
_CAPITAL_CLASS = _classes(lambda letter: "0" if letter.isdigit() else "A" if letter.isupper() else " ")


class Where(Enum):
    """What a pattern is run on."""

    TEXT = "text"
    NUMBERS = "numbers"
    CAPITALS = "capitals"
    TOKENS = "tokens"
    DOTTED = "dotted"
    COLONS = "colons"


@dataclass(frozen=True, slots=True)
class Strip:
    """Pieces of a text, one after the other, with the place each was cut from."""

    text: str = field(repr=False)
    starts: list[int]
    sources: list[int]

    def source(self, position: int) -> int:
        """Where the strip's character stands in the text."""
        index = bisect_right(self.starts, position) - 1
        return self.sources[index] + position - self.starts[index]


class Sight:
    """One text and what has been found out about it so far. Not shared between threads."""

    def __init__(self, text: str, name: str = "", *, alone: bool = False, timeout: float | None = None) -> None:
        self.text = text
        self.name = name  # the key, header or parameter that the text stands under
        self.alone = alone  # the text is all that was said, not a piece of something
        self.timeout = timeout
        self._places: dict[str, list[int]] = {}

    @cached_property
    def lower(self) -> str:
        """Lower case, same length; the text itself where lower case is longer (Turkish İ)."""
        low = self.text.lower()
        return low if len(low) == len(self.text) else self.text

    def places(self, literal: str) -> list[int]:
        """Where the literal stands, in any case. `literal` is lower case."""
        known = self._places.get(literal)
        if known is None:
            text = self.text if literal.upper() == literal else self.lower
            known = self._places[literal] = []
            start = text.find(literal)
            while start >= 0:
                known.append(start)
                start = text.find(literal, start + 1)
        return known

    @cached_property
    def _bytes(self) -> bytes:
        return self.text.encode("latin-1", "replace")

    @cached_property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """Runs of at least RUN token characters that are more than words: with a digit, or with both cases and no end."""
        found = _runs(self._bytes.translate(_TOKEN_CLASS))
        return tuple((start, end) for start, end in found if _more_than_words(self.text, start, end))

    def strip(self, where: Where) -> Strip:
        return getattr(self, where.value)  # type: ignore[no-any-return]

    @cached_property
    def numbers(self) -> Strip:
        return self._cut((match.span() for match in _NUMBERS.finditer(self.text, timeout=self.timeout)), 4, 4)

    @cached_property
    def capitals(self) -> Strip:
        classes = bytearray(self._bytes.translate(_CAPITAL_CLASS))
        for start, end in self.runs:
            if end - start > _LONGEST_WORD:  # a blob: nothing of this family is that long
                classes[start:end] = bytes(end - start)
        return self._cut(((at, at + 2) for at in _meetings(classes)), 16, 48)

    @cached_property
    def dotted(self) -> Strip:
        return self._cut((match.span() for match in _DOTTED.finditer(self.text, timeout=self.timeout)), 8, 8)

    @cached_property
    def colons(self) -> Strip:
        return self._cut((match.span() for match in _COLONS.finditer(self.text, timeout=self.timeout)), 40, 40)

    @cached_property
    def tokens(self) -> Strip:
        return self._cut(_ends_of(self.runs), 24, 24)

    def _cut(self, ranges: Iterator[tuple[int, int]], before: int, after: int) -> Strip:
        """The ranges with a margin on both sides; where margins meet, the pieces are one."""
        pieces: list[str] = []
        starts: list[int] = []
        sources: list[int] = []
        length = 0
        left = right = -1
        for start, end in ranges:
            if right < 0 or start - before > right:
                if right >= 0:
                    pieces.append(self.text[left:right])
                    length += len(pieces[-1]) + 1
                left = max(0, start - before)
                starts.append(length)
                sources.append(left)
            right = end + after
        if right >= 0:
            pieces.append(self.text[left:right])
        return Strip(BREAK.join(pieces), starts, sources)


def _runs(classes: bytes) -> Iterator[tuple[int, int]]:
    needle = b"a" * RUN
    start = classes.find(needle)
    while start >= 0:
        end = classes.find(b" ", start + RUN)
        if end < 0:
            end = len(classes)
        yield start, end
        start = classes.find(needle, end)


_DIGIT = regex.compile(r"[0-9]")
_SEPARATOR = regex.compile(r"[_\-/]")


def _more_than_words(text: str, start: int, end: int) -> bool:
    """Not `some_long_identifier`, `/usr/share/doc` or a ruled line: they are four fifths of all runs in code."""
    if _DIGIT.search(text, start, end):
        return True
    run = text[start:end]
    return not _SEPARATOR.search(run) and (run.isupper() or (end - start >= 24 and not run.islower()))


def _ends_of(runs: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    """Of a blob only the ends: a key inside one would have no edge to be found by."""
    for start, end in runs:
        if end - start <= 4 * _BLOB_END:
            yield start, end
        else:
            yield start, start + _BLOB_END
            yield end - _BLOB_END, end


def _meetings(classes: bytearray) -> Iterator[int]:
    """Where a capital stands next to a digit."""
    firsts, seconds = _places(classes, b"A0"), _places(classes, b"0A")
    return iter(sorted((*firsts, *seconds)))


def _places(classes: bytearray, needle: bytes) -> Iterator[int]:
    start = classes.find(needle)
    while start >= 0:
        yield start
        start = classes.find(needle, start + 1)
