"""Singapore: NRIC and FIN. Source: ICA."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_NRIC = words("nric", "fin", "fin#", "nric#", "singapore", "identity card", "national registration")


def _is_nric(value: str) -> bool:
    """Seven digits weighted 2 7 6 5 4 3 2; T and G add 4, M adds 3."""
    weighted = sum(int(digit) * weight for digit, weight in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}[
        value[0]
    ]
    offset = {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    return (
        table[(weighted + offset) % 11] == value[8]
        if value[0] != "M"
        else table[10 - (weighted + offset) % 11] == value[8]
    )


DETECTORS = (
    letters(
        "SG_NRIC_FIN", r"[STFGM][0-9]{7}[A-Z]", _is_nric, _NRIC, bare=0.7, near=0.95, alone=0.9, shapes=("A0000000A",)
    ),
    letters(
        "SG_NRIC_FIN", r"[STFGM][0-9]{7}[A-Z]", anything, _NRIC, bare=0.5, near=0.8, alone=0.7, shapes=("A0000000A",)
    ),
    letters("SG_NRIC_FIN", r"[A-Z][0-9]{7}[A-Z]", anything, _NRIC, near=0.6, alone=0.56),
)
