"""United States social security numbers and individual taxpayer numbers. Sources: SSA POMS RM 10201.035; IRS Publication 1915."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Pattern, words
from addons.masks.sight import Where

_WRITTEN = regex.compile(
    r"(?<![0-9])(?<![0-9][.\-])(?:[0-9]{3}(?P<sep>[ .\-])[0-9]{2}(?P=sep)[0-9]{4})(?![0-9])(?![.\-][0-9])"
)
_LOOSE = regex.compile(
    r"(?<![0-9.\-])(?:[0-9]{3}-[0-9]{6}|(?<![A-Z]{2} )[0-9]{5}-[0-9]{4}|[0-9]{9})(?![0-9])(?![.\-][0-9])"
)
_CONTEXT = words(
    "ssn",
    "social security",
    "socialsecurity",
    "ss#",
    "ssns",
    "ssid",
    "tax id",
    "taxpayer",
    "itin",
    "tin",
    "individual taxpayer",
)
_FORBIDDEN = {"219099999", "123456789", "987654321"}


def is_ssn(digits: str) -> bool:
    """Areas 000, 666 and 900-999, group 00 and serial 0000 were never given."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        area not in {"000", "666"}
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
        and digits not in _FORBIDDEN
        and len(set(digits)) > 1
    )


def is_itin(digits: str) -> bool:
    """Begins with 9; the fourth and fifth digits are 50-65, 70-88, 90-92 or 94-99."""
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


DETECTORS = (
    Pattern(
        entity="US_SSN",
        where=Where.NUMBERS,
        shapes=("000-00-0000", "000 00 0000", "000.00.0000"),
        pattern=_WRITTEN,
        valid=is_ssn,
        confidence=0.75,
        context=_CONTEXT,
        with_context=0.95,
    ),
    Pattern(
        entity="US_SSN",
        where=Where.NUMBERS,
        pattern=_LOOSE,
        valid=is_ssn,
        confidence=0.2,
        context=_CONTEXT,
        with_context=0.85,
        alone=0.62,
    ),
    Pattern(
        entity="US_ITIN",
        where=Where.NUMBERS,
        shapes=("000-00-0000", "000 00 0000", "000.00.0000"),
        pattern=_WRITTEN,
        valid=is_itin,
        confidence=0.75,
        context=_CONTEXT,
        with_context=0.95,
    ),
    Pattern(
        entity="US_ITIN",
        where=Where.NUMBERS,
        pattern=_LOOSE,
        valid=is_itin,
        confidence=0.2,
        context=_CONTEXT,
        with_context=0.85,
        alone=0.62,
    ),
)
