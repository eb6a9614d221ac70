"""Philippines: taxpayer identification number. Source: BIR."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, words

_TIN = words("tin", "bir", "tax id", "taxpayer", "tax identification number", "philippine", "id")


def _is_tin(value: str) -> bool:
    """Ninth digit: the first eight weighted 9 to 2, modulo eleven. Branch code after it."""
    total = sum(int(digit) * weight for digit, weight in zip(value[:8], range(9, 1, -1), strict=True)) % 11
    return value[0] != "6" and total % 10 == int(value[8]) and value[:3].isdigit()


DETECTORS = (
    digits(
        "PH_TIN",
        r"[0-9]{3}-[0-9]{3}-[0-9]{3}-[0-9]{3,5}",
        _is_tin,
        _TIN,
        bare=0.55,
        near=0.9,
        alone=0.8,
        shapes=("000-000-000-000",),
    ),
    digits(
        "PH_TIN",
        r"[0-9]{3}-[0-9]{3}-[0-9]{3}|[0-9]{12}|[0-9]{9}",
        lambda value: _is_tin(value) and value.startswith("0"),
        _TIN,
        near=0.8,
        alone=0.53,
    ),
)
