"""Nigeria: number plate. Source: FRSC."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PLATE = words("plate", "vehicle", "registration", "number plate", "license plate", "frsc", "car")
DETECTORS = (
    letters("NG_VEHICLE_REGISTRATION", r"[A-Z]{3}[ \-]?[0-9]{3}[ \-]?[A-Z]{2}", anything, _PLATE, near=0.65, alone=0.5),
)
