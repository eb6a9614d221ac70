"""Ireland: personal public service number. Source: Department of Social Protection."""

from __future__ import annotations

from stdnum.ie import pps

from addons.masks.detectors.kinds import letters, words

_PPS = words("pps", "ppsn", "pps number", "personal public service")
DETECTORS = (letters("IE_PPS", r"[0-9]{7}[A-W][A-IWTX]?", pps.is_valid, _PPS, near=0.9, alone=0.0),)
