"""Mexico: CURP. Source: RENAPO."""

from __future__ import annotations

from stdnum.mx import curp

from addons.masks.detectors.kinds import letters, words

_CURP = words("curp")
DETECTORS = (
    letters(
        "MX_CURP",
        r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9]",
        lambda value: bool(curp.is_valid(value)),
        _CURP,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("AAAA000000A",),
    ),
)
