"""United States: driver's license; each state has forms of its own: by context only. Source: AAMVA."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, letters, words
from addons.masks.detectors.us_bank_number import varied

_LICENCE = words(
    "driver",
    "driver's",
    "drivers",
    "driving",
    "license",
    "licence",
    "permit",
    "dl",
    "dln",
    "lic",
    "identification",
    "dls",
    "cdls",
)
DETECTORS = (
    digits("US_DRIVER_LICENSE", r"[0-9]{6,14}|[0-9]{3}-[0-9]{2,3}-[0-9]{3,4}", varied, _LICENCE, near=0.55, alone=0.0),
    letters(
        "US_DRIVER_LICENSE",
        r"[A-Z][0-9]{3,14}|[A-Z]{2}[0-9]{2,7}[A-Z]?|[0-9]{2}[A-Z]{3}[0-9]{5,6}|[A-Z][0-9]{3}-[0-9]{3,4}-[0-9]{2,4}(?:-[0-9]{1,4})?|[A-Z]{3}[0-9]{6}|[0-9]{3}[A-Z]{2}[0-9]{4}|[0-9]{7,8}[A-Z]|[A-Z][0-9]{2}-?[0-9]{2}-?[0-9]{4}",
        varied,
        _LICENCE,
        near=0.55,
        alone=0.0,
    ),
)
