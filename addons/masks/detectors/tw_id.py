"""Taiwan: national identity card. Source: Ministry of the Interior."""

from __future__ import annotations

from addons.masks.detectors.kinds import letters, words

_TW = words("taiwan", "roc id", "national id", "身分證", "統一編號", "identity card")


def _is_taiwanese(value: str) -> bool:
    """The letter stands for two digits; weights 1 9 8 7 6 5 4 3 2 1 1; ten divides the sum."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    numbers = (letter // 10, letter % 10, *map(int, value[1:]))
    return (
        sum(number * weight for number, weight in zip(numbers, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10
        == 0
    )


DETECTORS = (letters("TW_ID", r"[A-Z][1289][0-9]{8}", _is_taiwanese, _TW, near=0.9, alone=0.0),)
