"""Slovenia: EMŠO. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.si import emso

from addons.masks.detectors.kinds import digits, words

_EMSO = words("emšo", "emso", "matična številka")
DETECTORS = (digits("SI_EMSO", r"[0-3][0-9][01][0-9]{10}", emso.is_valid, _EMSO, near=0.9, alone=0.0),)
