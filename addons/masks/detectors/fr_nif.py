"""France: numéro fiscal. Source: DGFiP."""

from __future__ import annotations

from stdnum.fr import nif as fr_nif

from addons.masks.detectors.kinds import digits, words

_FISCAL = words("numéro fiscal", "fiscal", "spi", "impôts", "impots")
DETECTORS = (
    digits(
        "FR_NIF", r"[0-3][0-9] ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", fr_nif.is_valid, _FISCAL, near=0.8, alone=0.0
    ),
)
