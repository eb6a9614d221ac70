"""Chile: RUT and RUN. Source: SII."""

from __future__ import annotations

from stdnum.cl import rut

from addons.masks.detectors.kinds import digits, words

_RUT = words("rut", "run")
DETECTORS = (
    digits(
        "CL_RUT",
        r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]",
        lambda value: bool(rut.is_valid(value)),
        _RUT,
        bare=0.7,
        near=0.95,
        alone=0.8,
        shapes=(".000.000-",),
    ),
)
