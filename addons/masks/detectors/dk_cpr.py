"""Denmark: CPR number. Source: CPR-kontoret."""

from __future__ import annotations

from stdnum.dk import cpr

from addons.masks.detectors.kinds import digits, words

_DK = words("cpr", "cpr-nummer", "cprnr", "personnummer", "danish")
DETECTORS = (digits("DK_CPR", r"[0-3][0-9][01][0-9]{3}-?[0-9]{4}", cpr.is_valid, _DK, near=0.85, alone=0.0),)
