"""Belgium: rijksregisternummer. Source: IBZ."""

from __future__ import annotations

from stdnum.be import nn

from addons.masks.detectors.kinds import digits, words

_BE = words("rijksregisternummer", "numéro national", "national number", "nn", "registre national", "insz", "niss")
DETECTORS = (
    digits(
        "BE_NN",
        r"[0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}[\- ]?[0-9]{3}[. ]?[0-9]{2}",
        nn.is_valid,
        _BE,
        bare=0.45,
        near=0.9,
        alone=0.65,
    ),
)
