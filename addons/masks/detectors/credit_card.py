"""Payment card numbers. Source: ISO/IEC 7812-1 (Luhn)."""

from __future__ import annotations

import regex
from stdnum import luhn

from addons.masks.detectors.kinds import Number

_PATTERN = regex.compile(
    r"(?<![0-9])(?:[2-6][0-9]{3}([ .\-/]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|3[47][0-9]{2}([ .\-/]?)[0-9]{6}\2[0-9]{5})(?![0-9])"
)


def _valid(digits: str) -> bool:
    return bool(luhn.is_valid(digits))


DETECTOR = Number("CREDIT_CARD", _PATTERN, _valid, 0.9)
