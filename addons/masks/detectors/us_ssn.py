"""United States social security numbers. Source: SSA, POMS RM 10201.035."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Number

_PATTERN = regex.compile(r"(?<![0-9\-])[0-9]{3}([ .\-])[0-9]{2}\1[0-9]{4}(?![0-9\-])")


def _valid(digits: str) -> bool:
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


DETECTOR = Number("US_SSN", _PATTERN, _valid, 0.85)
