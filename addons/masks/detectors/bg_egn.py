"""Bulgaria: EGN. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.bg import egn

from addons.masks.detectors.kinds import digits, words

_EGN = words("егн", "egn")
DETECTORS = (digits("BG_EGN", r"[0-9]{10}", egn.is_valid, _EGN, near=0.95, alone=0.0),)
