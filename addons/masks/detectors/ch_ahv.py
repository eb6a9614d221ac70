"""Switzerland: AHV number. Source: ZAS."""

from __future__ import annotations

from stdnum.ch import ssn

from addons.masks.detectors.kinds import digits, words

_CH = words("ahv", "avs", "ahv-nummer", "sozialversicherungsnummer", "navs", "avs13", "ahvn13")
DETECTORS = (
    digits(
        "CH_AHV",
        r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}",
        ssn.is_valid,
        _CH,
        bare=0.6,
        near=0.95,
        alone=0.9,
        shapes=("<000> <0000", "<000>.<0000", "<0000000>", "<00000000000>", "<0000000000000>"),
    ),
)
