"""Germany: a practice's number. Source: KBV."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, digits, words

_PRACTICE = words("bsnr", "betriebsstättennummer", "betriebsstätte", "praxis")
DETECTORS = (digits("DE_BSNR", r"[0-9]{9}", anything, _PRACTICE, near=0.7, alone=0.0),)
