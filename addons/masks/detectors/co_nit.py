"""Colombia: NIT of a taxpayer. Source: DIAN."""

from __future__ import annotations

from stdnum.co import nit

from addons.masks.detectors.kinds import digits, words

_NIT = words("nit", "colombia", "tributaria")
DETECTORS = (digits("CO_NIT", r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]", nit.is_valid, _NIT, near=0.85, alone=0.0),)
