"""Germany: Führerschein. Source: Fahrerlaubnis-Verordnung."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_LICENCE = words("führerschein", "führerscheinnummer", "fahrerlaubnis", "fuehrerschein", "driver license")
DETECTORS = (
    letters("DE_FUEHRERSCHEIN", r"[A-Z0-9][0-9]{2}[A-Z0-9]{6}[0-9][A-Z0-9]", anything, _LICENCE, near=0.7, alone=0.0),
)
