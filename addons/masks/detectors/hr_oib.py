"""Croatia: OIB. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.hr import oib

from addons.masks.detectors.kinds import digits, words

_OIB = words("oib", "osobni identifikacijski broj")
DETECTORS = (digits("HR_OIB", r"[0-9]{11}", oib.is_valid, _OIB, near=0.95, alone=0.0),)
