"""United States: routing number of a bank. Source: ABA routing number policy."""

from __future__ import annotations

from stdnum.us import rtn

from addons.masks.detectors.kinds import digits, words

_ROUTING = words("aba", "routing", "rtn", "transit", "ach", "wire", "bankrouting", "abarouting", "association", "bank")
DETECTORS = (
    digits(
        "ABA_ROUTING_NUMBER",
        r"[0-9]{4}-[0-9]{4}-[0-9]",
        rtn.is_valid,
        _ROUTING,
        bare=0.6,
        near=0.9,
        alone=0.75,
        shapes=("0000-0000-0",),
    ),
    digits("ABA_ROUTING_NUMBER", r"[0-9]{9}", rtn.is_valid, _ROUTING, near=0.9, alone=0.72),
)
