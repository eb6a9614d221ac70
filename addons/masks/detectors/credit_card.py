"""Payment card numbers. Sources: ISO/IEC 7812-1 (Luhn, lengths), the card schemes' published number ranges."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Pattern, words
from addons.masks.detectors.shapes import unbroken
from addons.masks.sight import Where

_S = r"[ .\-/]"
_START, _END = r"(?<![0-9])(?<![0-9][.,])", r"(?![0-9])"
_UNBROKEN = regex.compile(rf"{_START}[2-6][0-9]{{11,18}}{_END}")
_IN_FOURS = regex.compile(rf"{_START}[2-6][0-9]{{3}}(?:{_S}[0-9]{{4}}){{2}}{_S}[0-9]{{1,4}}{_END}")
_OF_NINETEEN = regex.compile(rf"{_START}[2-6][0-9]{{3}}(?:{_S}[0-9]{{4}}){{3}}{_S}[0-9]{{1,3}}{_END}")
_ODD = regex.compile(
    rf"{_START}(?:(?![0-9]{{4}}(?:{_S}[0-9]{{4}}){{3}})[2-6][0-9]{{3}}(?:{_S}?[0-9]{{4}}){{3}}|3[0-9]{{3}}{_S}?[0-9]{{6}}{_S}?[0-9]{{4,5}}){_END}"
)
_SPREAD = regex.compile(rf"{_START}[2-6](?:{_S}{{1,3}}[0-9]){{12,18}}{_END}")
_AIR_TRAVEL = regex.compile(rf"{_START}1[0-9]{{3}}{_S}?[0-9]{{5}}{_S}?[0-9]{{6}}{_END}")
_BROKEN_LINES = regex.compile(r"(?<![0-9])[2-6][0-9]{3}(?:\s{1,4}[0-9]{4}){3}(?![0-9])")
_CONTEXT = words(
    "card", "credit", "debit", "visa", "mastercard", "amex", "american express", "discover", "jcb", "diners", "maestro", "pan",
    "cvv", "cvc", "cc", "ccn", "expiry", "payment", "karte", "kreditkarte", "carte", "tarjeta", "carta",
)  # fmt: skip
_RANGES = (  # first digits, from and to; lengths
    (4, 4, (13, 16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),
    (300, 305, (14, 16, 17, 18, 19)),  # Diners Club
    (36, 36, (14, 16, 17, 18, 19)),
    (38, 39, (14, 16, 17, 18, 19)),
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (2200, 2204, (16, 17, 18, 19)),  # Mir
    (50, 50, (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (56, 58, (12, 13, 14, 15, 16, 17, 18, 19)),
    (60, 69, (14, 15, 16, 17, 18, 19)),  # Discover, UnionPay, RuPay, Maestro
)


_LENGTHS = {str(first): lengths for low, high, lengths in _RANGES for first in range(low, high + 1)}
_DOUBLED = str.maketrans("0123456789", "0246813579")  # twice the digit, cross sum


def is_card(digits: str) -> bool:
    """Of a scheme's range and length, with a right check digit, and not one digit over and over."""
    in_range = any(len(digits) in _LENGTHS.get(digits[:count], ()) for count in range(1, 5))
    return in_range and len(set(digits)) > 1 and is_luhn(digits)


def is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B. Every number of this length is asked, so not by the library, which takes ten times as long."""
    return sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED))) % 10 == 0


DETECTORS = (
    *(
        Pattern(
            entity="CREDIT_CARD",
            where=Where.NUMBERS,
            shapes=shapes,
            pattern=pattern,
            valid=is_card,
            confidence=0.8,
            context=_CONTEXT,
            with_context=0.95,
        )
        for pattern, shapes in (
            (_UNBROKEN, unbroken(*range(12, 20))),
            (_IN_FOURS, ("0000_0000_0000_0",)),
            (_OF_NINETEEN, ("0000_0000_0000_0000_0",)),
            (_ODD, ("0000_000000", *unbroken(8, 10, 11, 12, 14, 15, 16))),
            (_SPREAD, ("_".join("0" * 13),)),
        )
    ),
    Pattern(
        entity="CREDIT_CARD",
        where=Where.NUMBERS,
        pattern=_AIR_TRAVEL,
        valid=is_luhn,
        confidence=0.1,
        context=_CONTEXT,
        with_context=0.8,
        alone=0.6,
    ),
    Pattern(
        entity="CREDIT_CARD",
        where=Where.BROKEN,
        pattern=_BROKEN_LINES,
        valid=is_card,
        confidence=0.1,
        context=_CONTEXT,
        with_context=0.8,
    ),
)
