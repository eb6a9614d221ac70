"""Austria: Sozialversicherungsnummer. Source: Dachverband der Sozialversicherungsträger."""

from __future__ import annotations

from stdnum.at import vnr

from addons.masks.detectors.kinds import digits, words

_VNR = words("svnr", "sozialversicherungsnummer", "versicherungsnummer", "sv-nummer", "e-card")
DETECTORS = (digits("AT_VNR", r"[1-9][0-9]{3} ?[0-3][0-9][01][0-9][0-9]{2}", vnr.is_valid, _VNR, near=0.95, alone=0.0),)
