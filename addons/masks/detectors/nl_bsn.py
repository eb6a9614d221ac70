"""Netherlands: burgerservicenummer. Source: RvIG."""

from __future__ import annotations

from stdnum.nl import bsn

from addons.masks.detectors.kinds import digits, words

_NL = words("bsn", "burgerservicenummer", "sofinummer", "sofi", "citizen service number")
DETECTORS = (
    digits(
        "NL_BSN",
        r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}",
        bsn.is_valid,
        _NL,
        near=0.9,
        alone=0.0,
    ),
)
