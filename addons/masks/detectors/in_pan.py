"""India: permanent account number. Source: Income Tax Department."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PAN = words("pan", "permanent account number", "income tax", "pan card", "pan number")
DETECTORS = (
    letters(
        "IN_PAN",
        r"[A-Z]{3}[ABCFGHJLPTK][A-Z][0-9]{4}[A-Z]",
        anything,
        _PAN,
        bare=0.55,
        near=0.9,
        alone=0.8,
        shapes=("AAAAA0000A",),
    ),
    letters("IN_PAN", r"[A-Z]{5}[0-9]{4}[A-Z]|[A-Z][0-9]{4}[A-Z]{5}", anything, _PAN, near=0.7, alone=0.6),
)
