"""Russia: internal passport, which has no check digit: by context only."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, digits, words

_PASSPORT = words("паспорт", "passport", "серия", "номер")
DETECTORS = (digits("RU_PASSPORT", r"[0-9]{2} ?[0-9]{2} ?[0-9]{6}", anything, _PASSPORT, near=0.6, alone=0.0),)
