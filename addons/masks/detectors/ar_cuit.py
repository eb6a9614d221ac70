"""Argentina: CUIT and CUIL. Source: AFIP."""

from __future__ import annotations

from stdnum.ar import cuit

from addons.masks.detectors.kinds import digits, words

_CUIT = words("cuit", "cuil")
DETECTORS = (
    digits(
        "AR_CUIT",
        r"(?:2[034-7]|3[034])-[0-9]{8}-[0-9]",
        cuit.is_valid,
        _CUIT,
        bare=0.6,
        near=0.95,
        alone=0.8,
        shapes=("00-00000000-0",),
    ),
)
