"""One look for many literals: whether any of them stands in a text. Not where (Sight.places)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from ahocorasick_rs import BytesAhoCorasick, MatchKind

_MANY, _LONGEST = 50, 24  # places; letters of a literal


BLOCK = 64 << 10  # what one call that keeps the interpreter to itself is given of a long text: a few ms at the worst


def blocks(length: int) -> Iterator[tuple[int, int]]:
    """A long text in blocks: first and after the last."""
    return ((at, min(at + BLOCK, length)) for at in range(0, length, BLOCK))


def finds(pattern: re.Pattern[bytes], text: bytes, longest: int) -> bool:
    """Whether the pattern, which matches `longest` bytes at most, is anywhere in the text."""
    if len(text) <= BLOCK:
        return pattern.search(text) is not None
    return any(pattern.search(text, at, end + longest) for at, end in blocks(len(text)))


def holds(text: bytes, literal: bytes) -> bool:
    """`literal in text`: in a text of one figure over and over each place costs the whole literal."""
    return any(text.find(literal, at, end + len(literal) - 1) >= 0 for at, end in blocks(len(text)))


class AnyOf:
    """Literals that are looked for in one pass. Aho and Corasick's automaton, its first letters eight or sixteen at a time: a tenth of what `re` takes."""

    __slots__ = ("_automaton",)

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._automaton = BytesAhoCorasick(sorted(set(literals)), matchkind=MatchKind.LeftmostFirst)

    def stands_in(self, text: bytes) -> bool:
        return next(self.places(text), None) is not None

    def places(self, text: bytes) -> Iterator[int]:
        """Where one begins, in order; of those that overlap the first. One at the end of a block may come twice."""
        find = self._automaton.find_matches_as_indexes
        if len(text) <= BLOCK:
            return (start for _, start, _ in find(text))
        view = memoryview(text)
        return (at + start for at, end in blocks(len(text)) for _, start, _ in find(view[at : end + _LONGEST]))


def around(literals: AnyOf, text: bytes) -> bytes:
    """What stands around the places: every one of the literals that is in the text is in it; "" where none is."""
    places = list(islice(literals.places(text), _MANY + 1))
    if len(places) > _MANY:
        return text
    return b"\n".join(text[max(0, place - _LONGEST) : place + _LONGEST] for place in places)


CARD = AnyOf(
    b"card credit debit visa amex american discover jcb diners maestro pan cvv cvc cc expiry payment karte carte tarjeta carta".split()
)  # no card in lines is looked at without one of these
BIRTH = AnyOf(
    (b"birth", b"born", b"dob", b"d.o.b", b"geb", b"nais", b"n\xe9", b"n\xc9", b"naci", b"nasc", b"nato", b"nata")
)  # no date is looked at without a word of birth before it
