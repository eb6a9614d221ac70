"""Australia: Medicare card. Source: Services Australia."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, words

_MEDICARE = words("medicare", "medicare number", "medicare card")


def _is_medicare(value: str) -> bool:
    """Ninth digit: the first eight weighted 1 3 7 9 1 3 7 9, modulo ten."""
    total = sum(int(digit) * weight for digit, weight in zip(value[:8], (1, 3, 7, 9, 1, 3, 7, 9), strict=True))
    return total % 10 == int(value[8])


DETECTORS = (
    digits(
        "AU_MEDICARE", r"[2-6][0-9]{3} ?[0-9]{5} ?[0-9](?:[ \-/]?[0-9])?", _is_medicare, _MEDICARE, near=0.95, alone=0.6
    ),
)
