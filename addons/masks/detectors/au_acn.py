"""Australia: company number. Source: ASIC."""

from __future__ import annotations

from stdnum.au import acn

from addons.masks.detectors.kinds import digits, words

_ACN = words("acn", "australian company number", "company number")
DETECTORS = (
    digits("AU_ACN", r"[0-9]{3}(?P<sep>[ ]?)[0-9]{3}(?P=sep)[0-9]{3}", acn.is_valid, _ACN, near=0.9, alone=0.6),
)
