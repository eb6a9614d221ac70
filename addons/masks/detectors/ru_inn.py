"""Russia: INN of a taxpayer. Source: the registry's own description, as python-stdnum cites it."""

from __future__ import annotations

from stdnum.ru import inn

from addons.masks.detectors.kinds import digits, words

_INN = words("инн", "inn")
DETECTORS = (digits("RU_INN", r"[0-9]{10}|[0-9]{12}", inn.is_valid, _INN, near=0.95, alone=0.0),)
