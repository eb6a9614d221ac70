"""Peru: RUC of a taxpayer. Source: SUNAT."""

from __future__ import annotations

from stdnum.pe import ruc

from addons.masks.detectors.kinds import digits, words

_RUC = words("ruc", "sunat", "perú", "peru")
DETECTORS = (digits("PE_RUC", r"[12][0-9]{10}", ruc.is_valid, _RUC, near=0.9, alone=0.0),)
