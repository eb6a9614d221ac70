"""United Kingdom: passport. Source: HM Passport Office."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PASSPORT = words("passport", "travel document", "uk passport", "british", "hmpo")
DETECTORS = (letters("UK_PASSPORT", r"[A-Z]{2}[0-9]{7}", anything, _PASSPORT, near=0.66, alone=0.66),)
