"""Italy: passaporto. Source: Ministero dell'Interno."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PASSPORT = words("passaporto", "passport", "elettronico", "italiano", "viaggio", "viaggiare", "documento", "dogana")
DETECTORS = (letters("IT_PASSPORT", r"[A-Z]{2}[0-9]{7}", anything, _PASSPORT, near=0.67, alone=0.6),)
