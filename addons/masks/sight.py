"""A text prepared for searching: cheap passes over the whole text leave short strips, and the many patterns run on the strips alone.

    broken    four digits and four more on the next line or in the next column
    numbers   phrases of six or more digits: cards, accounts, national numbers, telephones
    capitals  places where a capital stands next to a digit: IBANs, passports, tax codes
    dotted    three or more numbers with dots between: addresses of version 4
    colons    hexadecimal between colons or hyphens: addresses of version 6, of hardware
    years     dates with a year of four digits
    tokens    unbroken runs of sixteen or more token characters: keys, hashes, base64

A megabyte of prose, code and JSON leaves a few per cent in the strips; a megabyte of digits leaves all of it in one. Not a detector, and it
decides nothing. Strategy: runs are found in a class copy (bytes.translate, then bytes.find of a run of one letter), which skips over the text
instead of stepping through it; measured 2 ms a megabyte where a `regex` of the same meaning takes 65.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import regex

from addons.masks.cues import words_of
from addons.masks.expressions import Expression
from addons.masks.literals import BIRTH, CARD, blocks, finds
from addons.masks.runs import ends_of, runs_of

BREAK = "\x03"  # between pieces of a strip; no pattern may match it, not as \s either
NAME = "\x02"  # in joined JSON leaves, between a key and its value
NEUTRAL = "\x00"  # stands for a value that is already masked

_WORDS_BEFORE, _WORDS_AFTER = 104, 64
_LONGEST_WORD = 20
_IBAN = re.compile(r"(?i)(?:[\w\-]*[/\-])?[A-Z]{2}[0-9]{2}(?:-?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
SHORT = 300
ALL_THERE_IS = 500  # in a longer text no number is all that was said
_SPEECH = regex.compile(r"(?i)\b(?!oder\b)(?=[^\W\d_]*[aeiou])[^\W\d_]{4,}\b")
_BORN_BEFORE = 64  # as far as it may stand before the date, and the longest date
_NUMBERS = re.compile(
    rb"0(?<!00)(?<!0\.0)(?!0{0,2}\.0{5,}(?![0.]))(?:[ .\-/()]{0,3}0){5,400}"
)  # on marks; no 0.1234567
_LONGEST_NUMBERS = 1 + 400 * 4  # characters
_MANY_DIGITS = re.compile(rb"0(?:[ .\-/()]{0,3}0){5}")  # without it `numbers` is empty; on marks
_SIX_DIGITS = 6 + 5 * 3  # characters, at most
_FOUR, _CENTURIES = re.compile(rb"0000"), (b"19", b"20")  # on marks; no date has more digits before its year
_MEETING = re.compile(
    rb"0(?:(?<=A0)|(?<=A[ -]0)|(?=[ -]?A))"
)  # without it `capitals` of a long text is empty; on marks
_BROKEN = re.compile(rb"0000 {0,2}[\t\r\n]\s{0,3}0000(?!0)")  # on marks
_DOTTED = re.compile(rb"\.0{1,3}\.0")  # on marks
_COLONS = tuple(  # a sign without which there is none, and what it looks like in small letters
    (sign, re.compile(pattern))
    for sign, pattern in (
        (":", rb":(?:[0-9a-f]{1,4}:){3}"),
        ("::", rb"::(?=[0-9a-f])|::(?<=[0-9a-f]::)"),
        ("-", rb"-[0-9a-f]{2}-[0-9a-f]{2}-"),
        (".", rb"\.[0-9a-f]{4}\."),
    )
)
_UUID, _UUID_LENGTH = re.compile(r"(?![0-9\-]{36})[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), 36
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?P<sep>[\-/.])[01][0-9](?P=sep)[0-3][0-9](?: [0-9]{2})?")


_DAY_AND_MINUTE = b"0000-00-00T00:00"
_MOMENTS = tuple(  # RFC 3339, on marks with T and Z; what another one begins with comes after it
    _DAY_AND_MINUTE + rest
    for rest in (b":00.000Z", b":00Z", b":00.000000Z", b":00.000000000Z", b":00.000000", b":00.000", b":00", b"Z", b"")
)


def _classes(choose: Callable[[str], str]) -> bytes:
    return bytes(ord(choose(chr(code))) if code < 0x80 else ord(" ") for code in range(256))


_MARKS = _classes(lambda one: "0" if one.isdigit() else "A" if one.isupper() else "a" if one.islower() else one)
_MARKS_OF_TIME = _classes(
    lambda one: (
        one if one in "TZ" else "0" if one.isdigit() else "A" if one.isupper() else "a" if one.islower() else one
    )
)
_AS_CAPITALS = bytes.maketrans(b"TZ", b"AA")
_CASED_SHAPE_CLASS = bytes(
    ord("0")
    if chr(code).isdigit() and code < 0x80
    else ord("A")
    if chr(code).isupper()
    else ord("a")
    if chr(code).isalpha()
    else code
    for code in range(256)
)
_SHAPE_CLASS = bytes(
    ord("0") if chr(code).isdigit() and code < 0x80 else ord("A") if chr(code).isalpha() else code
    for code in range(256)
)


class Where(StrEnum):
    """What a pattern is run on."""

    BROKEN = "broken"
    NUMBERS = "numbers"
    CAPITALS = "capitals"
    TOKENS = "tokens"
    DOTTED = "dotted"
    COLONS = "colons"
    YEARS = "years"

    @property
    def least_digits(self) -> int:
        """Without as many in the text there is none."""
        return _LEAST_DIGITS.get(self, 0)


_LEAST_DIGITS = {Where.BROKEN: 8, Where.NUMBERS: 6, Where.CAPITALS: 1, Where.DOTTED: 4, Where.YEARS: 4}


@dataclass(slots=True)
class Strip:
    """Pieces of a text, one after the other, with the place each was cut from, and what stands around the pieces."""

    text: str = field(repr=False)
    starts: list[int]
    sources: list[int]
    around: list[str] = field(repr=False)

    def words(self) -> list[str]:
        """Those that stand around the pieces."""
        return words_of(" ".join(self.around))

    def shapes(self, *, of_capitals: bool) -> set[bytes]:
        """The pieces with 0 for every digit and A for every letter, or only for capitals. A table's are few."""
        classes = _CASED_SHAPE_CLASS if of_capitals else _SHAPE_CLASS
        return set(self.text.encode("latin-1", "replace").translate(classes).split(BREAK.encode()))

    def source(self, position: int) -> int:
        """Where the strip's character stands in the text."""
        index = bisect_right(self.starts, position) - 1
        return self.sources[index] + position - self.starts[index]


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a search must be over, by a clock that only goes forward."""

    clock: Callable[[], float]
    at: float

    def left(self) -> float:
        """Seconds. Raises TimeoutError when there are none."""
        left = self.at - self.clock()
        if left <= 0:
            raise TimeoutError
        return left


type Match = regex.Match[str] | re.Match[str]
NOTHING = Strip("", [], [], [])
SHARED = 32 << 10  # characters from which on a search is worth handing the interpreter over


class Sight:
    """One text and what has been found out about it so far. Not shared between threads."""

    def __init__(self, text: str, name: str = "", *, alone: bool = False, deadline: Deadline | None = None) -> None:
        self.text = text
        self.name = name  # the key, header or parameter that the text stands under
        self.alone = alone  # the text is all that was said, not a piece of something
        self.shared = len(text) > SHARED  # to hand the interpreter over and win it back costs more than a short search
        self._deadline = deadline
        if deadline:
            deadline.left()  # of a short text the only look at the clock: its patterns are bounded
        self.raw = text.encode("latin-1", "replace")  # one byte a character: cheaper to search than the text
        self.low = self.raw.lower()
        # what is looked for in capitals: in a text this short, small letters are as good
        self.capital = self.raw.upper() if len(text) <= SHORT else self.raw
        self.marks = self.raw.translate(_MARKS)  # what cannot be in the text is seen here first, at little cost
        self.digits = self.marks.count(b"0")
        self.runs = runs_of(text, self.raw)
        self._places: dict[bytes, list[int]] = {}
        self._strips: dict[str, Strip] = {}
        self._calm: bytes | None = None
        self._uuids: list[tuple[int, int]] | None = None

    def bounds(self, start: int, end: int, before: int, after: int) -> tuple[int, int]:
        """How far a look around may go: not beyond the leaf, where the text is leaves joined."""
        left = self.text.rfind(BREAK, max(0, start - before), start)
        right = self.text.find(BREAK, end, end + after)
        return left + 1 if left >= 0 else max(0, start - before), right if right >= 0 else end + after

    @property
    def timeout(self) -> float | None:
        """Seconds left for this search of a long text; raises TimeoutError when there are none."""
        return self._deadline.left() if self.shared and self._deadline else None

    def places(self, literal: bytes) -> list[int]:
        """Where the literal stands: a lower one in any case, one in capitals only so (but in a short text in any case too)."""
        known = self._places.get(literal)
        if known is None:
            text = self.searched(literal)
            known = self._places[literal] = []
            place = text.find(literal)
            while place >= 0:
                known.append(place)
                place = text.find(literal, place + 1)
        return known

    def holds(self, literal: bytes) -> bool:
        return literal in self.searched(literal)

    def searched(self, literal: bytes) -> bytes:
        """What the literal is looked for in."""
        return self.capital if literal.isupper() else self.low

    def each(self, expression: Expression, text: str) -> Iterator[Match]:
        """Every match in the text, or in a strip of it. A long search hands the interpreter over, and ends at the deadline."""
        if self.shared:
            found: Iterator[Match] = expression.thorough.finditer(text, timeout=self.timeout, concurrent=True)
        else:
            found = expression.quick.finditer(text)
        return found

    def match(self, expression: Expression, start: int) -> Match | None:
        """As `each`, at one place."""
        if self.shared:
            return expression.thorough.match(self.text, start, timeout=self.timeout, concurrent=True)
        return expression.quick.match(self.text, start)

    def may_be_bare(self) -> bool:
        """Whether the text can be nothing but values: in no number stands a word of four letters and a vowel."""
        return self.alone and len(self.text) <= ALL_THERE_IS and not _SPEECH.search(self.text)

    def strip(self, where: str) -> Strip:
        """The strip of that name, one of Where; made once."""
        strip = self._strips.get(where)
        if strip is None:
            strip = self._strips[where] = _STRIPS[where](self)
        return strip

    def broken(self) -> Strip:
        found = [match.span() for match in _BROKEN.finditer(self.marks)]
        return self._cut(found, 2, 40) if found and (self.name or CARD.stands_in(self.low)) else NOTHING

    def uuids(self) -> list[tuple[int, int]]:
        """The runs that are a UUID and nothing more. One after a dot may be the end of a token."""
        if self._uuids is None:
            self._uuids = [
                (start, end)
                for start, end in self.runs
                if end - start == _UUID_LENGTH and _UUID.match(self.text, start) and self.text[start - 1 : start] != "."
            ]
        return self._uuids

    def calm(self) -> bytes:
        """The marks without UUIDs and the moments that a log has in each line: they hold no number, and no capital that means anything."""
        if self._calm is None:
            calm = self.marks
            if _DAY_AND_MINUTE.replace(b"T", b"A") in calm:
                calm = self.raw.translate(_MARKS_OF_TIME)
                for moment in _MOMENTS:
                    calm = calm.replace(moment, b"." * len(moment))
                    if _DAY_AND_MINUTE not in calm:
                        break
                calm = calm.translate(_AS_CAPITALS)
            if uuids := self.uuids():
                blanked = bytearray(calm)
                for start, end in uuids:
                    blanked[start:end] = b"." * _UUID_LENGTH
                calm = bytes(blanked)
            self._calm = calm
        return self._calm

    def numbers(self) -> Strip:
        if not finds(_MANY_DIGITS, self.calm(), _SIX_DIGITS):
            return NOTHING
        found = _in_turns(_NUMBERS, self.calm())
        return self._cut([place for place in found if not _DATE.fullmatch(self.text, *place)], 4, 4)

    def capitals(self) -> Strip:
        marks = self.calm() if self.capital is self.raw else self.calm().upper()
        if not finds(_MEETING, marks, 3):
            return NOTHING
        classes = bytearray(marks)
        for start, end in self.runs:  # nothing else of this family is that long
            if end - start > _LONGEST_WORD and not _IBAN.match(self.text, start):
                classes[start:end] = bytes(end - start)
        return self._cut(((at - 2, at + 2) for at in _meetings(classes)), 14, 48)

    def dotted(self) -> Strip:
        return self._cut([match.span() for match in _DOTTED.finditer(self.marks)], 24, 8)

    def years(self) -> Strip:
        found = [four.span() for four in _FOUR.finditer(self.marks)]
        found = [place for place in found if self.raw[place[0] : place[0] + 2] in _CENTURIES]
        if found and not self.name:
            before = [self.low[max(0, start - _BORN_BEFORE) : start] for start, _ in found]
            if not BIRTH.stands_in(b"\n".join(before)):
                return NOTHING
            found = [place for place, words in zip(found, before, strict=True) if BIRTH.stands_in(words)]
        return self._cut(found, 24, 12)

    def colons(self) -> Strip:
        text, low = self.text, self.low
        found = [match.span() for sign, pattern in _COLONS if sign in text for match in pattern.finditer(low)]
        return self._cut(sorted(found), 40, 40)

    def tokens(self) -> Strip:
        if not self.runs:
            return NOTHING
        uuids = frozenset(self.uuids())
        runs = [run for run in self.runs if run not in uuids and not self.raw[run[0] : run[1]].isdigit()]
        return self._cut(list(ends_of(runs)), 48, 32)

    def _cut(self, ranges: Iterable[tuple[int, int]], before: int, after: int) -> Strip:
        """The ranges with a margin on both sides; where margins meet, the pieces are one."""
        pieces: list[str] = []
        starts: list[int] = []
        sources: list[int] = []
        around: list[str] = [self.name]
        length = read = 0
        left = right = -1
        for start, end in ranges:
            if right < 0 or start - before > right:
                if right >= 0:
                    pieces.append(self.text[left:right])
                    length += len(pieces[-1]) + 1
                    around.append(self.text[max(read, left - _WORDS_BEFORE) : right + _WORDS_AFTER])
                    read = right
                left = max(0, start - before)
                starts.append(length)
                sources.append(left)
            right = end + after
        if right < 0:
            return NOTHING
        pieces.append(self.text[left:right])
        around.append(self.text[max(read, left - _WORDS_BEFORE) : right + _WORDS_AFTER])
        return Strip(BREAK.join(pieces), starts, sources, around)


def _in_turns(pattern: re.Pattern[bytes], marks: bytes) -> Iterator[tuple[int, int]]:
    """Where it matches; no step over a long run in which it does not keeps the interpreter for long."""
    place, turn = 0, 1 << 16
    while place < len(marks):
        stop = place + turn
        for match in pattern.finditer(marks, place, stop + _LONGEST_NUMBERS):
            if match.start() >= stop:
                break
            yield match.span()
            place = match.end()
        place = max(place, stop)


def _meetings(classes: bytearray) -> Iterator[int]:
    """Digits next to a capital, or with one space or hyphen between."""
    return (match.start() for at, end in blocks(len(classes)) for match in _MEETING.finditer(classes, at, end + 2))


_STRIPS: dict[str, Callable[[Sight], Strip]] = {
    Where.BROKEN: Sight.broken,
    Where.NUMBERS: Sight.numbers,
    Where.CAPITALS: Sight.capitals,
    Where.TOKENS: Sight.tokens,
    Where.DOTTED: Sight.dotted,
    Where.COLONS: Sight.colons,
    Where.YEARS: Sight.years,
}
