"""Spain: pasaporte. Source: BOE."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PASSPORT = words("pasaporte", "passport", "número de pasaporte", "viaje", "documento")
DETECTORS = (letters("ES_PASSPORT", r"[A-Z]{3}[0-9]{6}", anything, _PASSPORT, near=0.67, alone=0.67),)
