"""Lithuania: asmens kodas. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.lt import asmens

from addons.masks.detectors.kinds import digits, words

_ASMENS = words("asmens kodas", "personal code", "lithuanian")
DETECTORS = (digits("LT_ASMENS", r"[1-8][0-9]{10}", asmens.is_valid, _ASMENS, near=0.9, alone=0.0),)
