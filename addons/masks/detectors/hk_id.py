"""Hong Kong: identity card. Source: Immigration Department."""

from __future__ import annotations

from addons.masks.detectors.kinds import compact, letters, words

_HKID = words("hkid", "hong kong", "hk id", "identity card", "香港身份證", "身份證")


def _is_hong_kong(value: str) -> bool:
    """Letters count from 10, a missing first one is 36; weights 9 to 1; eleven divides the sum. A is ten."""
    bare = compact(value)
    numbers = [int(letter, 36) for letter in bare]
    weights = range(len(numbers), 0, -1)
    first = 36 * 9 if len(numbers) == 8 else 0
    return (first + sum(number * weight for number, weight in zip(numbers, weights, strict=True))) % 11 == 0


DETECTORS = (letters("HK_ID", r"[A-Z]{1,2}[0-9]{6}\(?[0-9A]", _is_hong_kong, _HKID, near=0.9, alone=0.0),)
