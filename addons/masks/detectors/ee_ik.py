"""Estonia: isikukood. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.ee import ik

from addons.masks.detectors.kinds import digits, words

_IK = words("isikukood", "personal code", "estonian")
DETECTORS = (digits("EE_IK", r"[1-8][0-9]{10}", ik.is_valid, _IK, near=0.9, alone=0.0),)
