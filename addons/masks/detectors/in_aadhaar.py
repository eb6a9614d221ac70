"""India: Aadhaar. Source: UIDAI."""

from __future__ import annotations

from stdnum.in_ import aadhaar

from addons.masks.detectors.kinds import digits, words

_AADHAAR = words("aadhaar", "aadhar", "uidai", "adhaar", "uid")
DETECTORS = (
    digits(
        "IN_AADHAAR",
        r"[2-9][0-9]{3}(?P<sep>[ \-:]?)[0-9]{4}(?P=sep)[0-9]{4}",
        aadhaar.is_valid,
        _AADHAAR,
        bare=0.3,
        near=0.95,
        alone=0.74,
    ),
)
