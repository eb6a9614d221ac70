"""Germany: number plate. Source: Fahrzeug-Zulassungsverordnung."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PLATE = words("kennzeichen", "kfz", "kfz-kennzeichen", "nummernschild", "fahrzeug", "auto", "license plate")
DETECTORS = (
    letters("DE_KFZ", r"[A-ZÄÖÜ]{1,3}[ \-][A-Z]{1,2}[ \-]?[1-9][0-9]{0,3}[EH]?", anything, _PLATE, near=0.6, alone=0.0),
)
