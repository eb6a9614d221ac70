"""One look for many literals: whether any of them stands in a text. Not where (Sight.places)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

_COMMON = b"bpygwfmculdhrsnioate "  # in European prose, the commonest last; every other sign is rarer

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


def any_of(literals: Iterable[bytes]) -> re.Pattern[bytes]:
    """Tried only where a literal's rarest letter stands: one pass of `re` takes less than five searches for a literal each."""
    by_letter: dict[bytes, list[bytes]] = defaultdict(list)
    for literal in sorted(set(literals)):
        at = min(range(len(literal)), key=lambda place: _COMMON.find(literal[place]))
        before, letter, after = (re.escape(one) for one in (literal[:at], literal[at : at + 1], literal[at + 1 :]))
        by_letter[letter].append(b"(?<=%b%b)(?=%b)" % (before, letter, after))
    return re.compile(b"|".join(b"%b(?:%b)" % (letter, b"|".join(ends)) for letter, ends in by_letter.items()))


def around(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    """What stands around the matches: every one of the pattern's literals that is in the text is in it; "" where none is."""
    found = pattern.finditer(text) if len(text) <= BLOCK else _block_by_block(pattern, text)
    places = [match.start() for match in islice(found, _MANY + 1)]
    if len(places) > _MANY:
        return text
    return b"\n".join(text[max(0, place - _LONGEST) : place + _LONGEST] for place in places)


def _block_by_block(pattern: re.Pattern[bytes], text: bytes) -> Iterator[re.Match[bytes]]:
    """Its matches; one at the end of a block may be among them twice."""
    return (match for at, end in blocks(len(text)) for match in pattern.finditer(text, at, end + _LONGEST))


CARD = any_of(
    b"card credit debit visa amex american discover jcb diners maestro pan cvv cvc cc expiry payment karte carte tarjeta carta".split()
)  # no card in lines is looked at without one of these
BIRTH = any_of(
    (b"birth", b"born", b"dob", b"d.o.b", b"geb", b"nais", b"n\xe9", b"n\xc9", b"naci", b"nasc", b"nato", b"nata")
)  # no date is looked at without a word of birth before it
