"""United Kingdom: driving licence. Source: DVLA."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import letters, words

_LICENCE = words("driving licence", "driving license", "driver", "dvla", "licence", "license", "dl")


def _is_licence(value: str) -> bool:
    """Characters 7 to 11: decade, month (5 added for women), day, year."""
    month, day = int(value[6:8]), int(value[8:10])
    return (1 <= month % 50 <= 12) and 1 <= day <= 31 and regex.fullmatch(r"[A-Z]+9*", value[:5]) is not None


DETECTORS = (
    letters(
        "UK_DRIVING_LICENCE",
        r"[A-Z9]{5}[0-9][0156][0-9][0-3][0-9][0-9][A-Z9]{2}[A-Z0-9][A-Z]{2}",
        _is_licence,
        _LICENCE,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("A000000", "00000000"),
    ),
)
