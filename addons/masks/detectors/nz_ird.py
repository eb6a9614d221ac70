"""New Zealand: IRD number. Source: Inland Revenue."""

from __future__ import annotations

from stdnum.nz import ird

from addons.masks.detectors.kinds import digits, words

_IRD = words("ird", "ird number", "inland revenue", "tax number")
DETECTORS = (
    digits("NZ_IRD", r"[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}|[0-9]{7,8}-[0-9]", ird.is_valid, _IRD, near=0.9, alone=0.0),
)
