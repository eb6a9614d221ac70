"""India: voter's card. Source: Election Commission."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_VOTER = words("voter", "epic", "elector photo identity card", "voter id", "election")
DETECTORS = (letters("IN_VOTER", r"[A-Z]{3}[0-9]{7}|[A-Z][A-Z][0-9]{8}", anything, _VOTER, near=0.75, alone=0.55),)
