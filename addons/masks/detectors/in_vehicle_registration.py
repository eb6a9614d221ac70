"""India: number plate. Source: Central Motor Vehicles Rules."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_VEHICLE = words("rto", "vehicle", "plate", "registration", "number plate", "car", "licence plate")
_IN_STATES = "AN|AP|AR|AS|BR|CH|CG|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TG|TN|TR|TS|UA|UK|UP|WB"
DETECTORS = (
    letters(
        "IN_VEHICLE_REGISTRATION",
        rf"(?:{_IN_STATES})[ \-]?[0-9]{{1,2}}[ \-]?[A-Z]{{0,3}}[ \-]?[0-9]{{4}}|[0-9]{{2}}BH[0-9]{{4}}[A-Z]{{1,2}}",
        anything,
        _VEHICLE,
        near=0.65,
        alone=0.53,
    ),
)
