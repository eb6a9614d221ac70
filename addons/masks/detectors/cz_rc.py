"""Czechia: rodné číslo. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.cz import rc

from addons.masks.detectors.kinds import digits, words

_RC = words("rodné číslo", "rodne cislo", "rč", "birth number")
DETECTORS = (digits("CZ_RC", r"[0-9]{6}/?[0-9]{3,4}", rc.is_valid, _RC, near=0.9, alone=0.0),)
