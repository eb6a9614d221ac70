"""France: numéro de sécurité sociale. Source: INSEE."""

from __future__ import annotations

from stdnum.fr import nir

from addons.masks.detectors.kinds import digits, words

_NIR = words(
    "sécurité sociale", "securite sociale", "sécu", "nir", "insee", "numéro de sécurité sociale", "carte vitale"
)
DETECTORS = (
    digits(
        "FR_NIR",
        r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        nir.is_valid,
        _NIR,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("000 000 00", "000000 00", "000 00000", *(f"<{'0' * length}>" for length in (8, 10, 12, 14, 15))),
    ),
)
