"""Poland: PESEL. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.pl import pesel

from addons.masks.detectors.kinds import digits, words

_PESEL = words("pesel", "numer pesel", "polish")
DETECTORS = (
    digits(
        "PL_PESEL",
        r"[0-9]{2}(?:[02468][1-9]|[13579][012])[0-3][0-9]{6}",
        pesel.is_valid,
        _PESEL,
        bare=0.45,
        near=0.95,
        alone=0.68,
    ),
)
