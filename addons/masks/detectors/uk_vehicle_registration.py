"""United Kingdom: number plate. Source: DVLA INF45."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PLATE = words(
    "registration",
    "vehicle",
    "number plate",
    "plate",
    "licence plate",
    "license plate",
    "car",
    "vrn",
    "reg",
    "dvla",
    "mot",
)
DETECTORS = (
    letters(
        "UK_VEHICLE_REGISTRATION",
        r"[A-HJ-PR-Y][A-HJ-PR-Y](?:0[1-9]|[1-7][0-9]) ?[A-HJ-PR-Z]{3}",
        anything,
        _PLATE,
        near=0.6,
        alone=0.52,
    ),
    letters(
        "UK_VEHICLE_REGISTRATION",
        r"[A-HJ-NPR-TV-Y][0-9]{1,3} ?[A-HJ-PR-Y]{3}|[A-HJ-PR-Y]{3} ?[0-9]{1,3}[A-HJ-NPR-TV-Y]",
        anything,
        _PLATE,
        near=0.55,
        alone=0.5,
    ),
)
