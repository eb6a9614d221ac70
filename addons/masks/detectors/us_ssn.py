"""United States: social security number. Source: SSA POMS RM 10201.035."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Pattern, words
from addons.masks.sight import Where

WRITTEN = regex.compile(
    r"(?<![0-9])(?<![0-9][.\-])(?:[0-9]{3}(?P<sep>[ .\-])[0-9]{2}(?P=sep)[0-9]{4})(?![0-9])(?![.\-][0-9])"
)
LOOSE = regex.compile(
    r"(?<![0-9.\-])(?:[0-9]{3}-[0-9]{6}|(?<![A-Z]{2} )[0-9]{5}-[0-9]{4}|[0-9]{9})(?![0-9])(?![.\-][0-9])"
)
CONTEXT = words(
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


DETECTORS = (
    Pattern(
        entity="US_SSN",
        where=Where.NUMBERS,
        shapes=("000-00-0000", "000 00 0000", "000.00.0000"),
        pattern=WRITTEN,
        valid=is_ssn,
        confidence=0.75,
        context=CONTEXT,
        with_context=0.95,
    ),
    Pattern(
        entity="US_SSN",
        where=Where.NUMBERS,
        pattern=LOOSE,
        valid=is_ssn,
        confidence=0.2,
        context=CONTEXT,
        with_context=0.85,
        alone=0.62,
    ),
)
