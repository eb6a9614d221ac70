"""United States: individual taxpayer identification number, written as a social security number is. Source: IRS Publication 1915."""

from __future__ import annotations

from addons.masks.detectors.kinds import Pattern
from addons.masks.detectors.us_ssn import CONTEXT, LOOSE, WRITTEN
from addons.masks.sight import Where


def is_itin(digits: str) -> bool:
    """Begins with 9; the fourth and fifth digits are 50-65, 70-88, 90-92 or 94-99."""
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


DETECTORS = (
    Pattern(
        entity="US_ITIN",
        where=Where.NUMBERS,
        shapes=("000-00-0000", "000 00 0000", "000.00.0000"),
        pattern=WRITTEN,
        valid=is_itin,
        confidence=0.75,
        context=CONTEXT,
        with_context=0.95,
    ),
    Pattern(
        entity="US_ITIN",
        where=Where.NUMBERS,
        pattern=LOOSE,
        valid=is_itin,
        confidence=0.2,
        context=CONTEXT,
        with_context=0.85,
        alone=0.62,
    ),
)
