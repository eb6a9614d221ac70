"""Australia: business number. Source: ABR."""

from __future__ import annotations

from stdnum.au import abn

from addons.masks.detectors.kinds import digits, words

_ABN = words("abn", "australian business number", "business number")
DETECTORS = (
    digits(
        "AU_ABN",
        r"[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}",
        abn.is_valid,
        _ABN,
        bare=0.6,
        near=0.95,
        alone=0.9,
        shapes=("00 000 000 000",),
    ),
    digits("AU_ABN", r"[0-9]{11}", abn.is_valid, _ABN, near=0.95, alone=0.69),
)
