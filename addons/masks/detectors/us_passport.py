"""United States: passport. Source: State Department."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, letters, words
from addons.masks.detectors.us_bank_number import varied

_PASSPORT = words("passport", "travel document", "pass number", "passport number", "us passport", "united states")
DETECTORS = (
    digits("US_PASSPORT", r"[0-9]{9}", varied, _PASSPORT, near=0.65, alone=0.0),
    letters("US_PASSPORT", r"[A-Z][0-9]{8}", varied, _PASSPORT, near=0.65, alone=0.5),
)
