"""Greece: AMKA. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.gr import amka

from addons.masks.detectors.kinds import digits, words

_AMKA = words("amka", "αμκα")
DETECTORS = (digits("GR_AMKA", r"[0-3][0-9][01][0-9]{8}", amka.is_valid, _AMKA, near=0.95, alone=0.0),)
