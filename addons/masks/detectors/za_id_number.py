"""South Africa: identity number. Source: Department of Home Affairs."""

from __future__ import annotations

from stdnum.za import idnr

from addons.masks.detectors.kinds import digits, words

_ZA = words("id number", "south african", "identity number", "sa id", "rsa id")
DETECTORS = (
    digits(
        "ZA_ID_NUMBER",
        r"[0-9]{2}[01][0-9][0-3][0-9]{5}[012][0-9]{2}",
        idnr.is_valid,
        _ZA,
        bare=0.45,
        near=0.95,
        alone=0.69,
    ),
)
