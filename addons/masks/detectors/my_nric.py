"""Malaysia: MyKad. Source: JPN."""

from __future__ import annotations

from stdnum.my import nric

from addons.masks.detectors.kinds import digits, words

_MYKAD = words("mykad", "nric", "kad pengenalan", "ic number", "malaysian", "ic")
DETECTORS = (
    digits(
        "MY_NRIC",
        r"[0-9]{6}-[0-9]{2}-[0-9]{4}",
        lambda value: bool(nric.is_valid(value)),
        _MYKAD,
        bare=0.5,
        near=0.9,
        alone=0.8,
        shapes=("000000-00-0000",),
    ),
)
