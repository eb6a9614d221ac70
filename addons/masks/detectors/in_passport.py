"""India: passport. Source: Ministry of External Affairs."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_IN_PASSPORT = words("passport", "indian passport", "travel document", "passport number")
DETECTORS = (
    letters("IN_PASSPORT", r"[A-PR-WY][1-9][0-9] ?[0-9]{4}[1-9]", anything, _IN_PASSPORT, near=0.68, alone=0.64),
)
