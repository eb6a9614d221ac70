"""Norway: fødselsnummer. Source: Skatteetaten."""

from __future__ import annotations

from stdnum.no import fodselsnummer

from addons.masks.detectors.kinds import digits, words

_NO = words("fødselsnummer", "fodselsnummer", "personnummer", "fnr", "norwegian")
DETECTORS = (
    digits(
        "NO_FODSELSNUMMER",
        r"[0-7][0-9][0-9]{4} ?[0-9]{5}",
        fodselsnummer.is_valid,
        _NO,
        bare=0.5,
        near=0.9,
        alone=0.66,
        shapes=("<00000000000>", "000000 00000"),
    ),
)
