"""Romania: cod numeric personal. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.ro import cnp

from addons.masks.detectors.kinds import digits, words

_CNP = words("cnp", "cod numeric personal")
DETECTORS = (digits("RO_CNP", r"[1-9][0-9]{12}", cnp.is_valid, _CNP, near=0.95, alone=0.0),)
