"""Australia: tax file number. Source: ATO."""

from __future__ import annotations

from stdnum.au import tfn

from addons.masks.detectors.kinds import digits, words

_TFN = words("tfn", "tax file number", "australian tax")
DETECTORS = (
    digits("AU_TFN", r"[0-9]{3} [0-9]{3} [0-9]{3}", tfn.is_valid, _TFN, bare=0.45, near=0.95, alone=0.75),
    digits("AU_TFN", r"[0-9]{8,9}", tfn.is_valid, _TFN, near=0.95, alone=0.66),
)
