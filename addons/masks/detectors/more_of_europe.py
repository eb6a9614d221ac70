"""Austrian, Irish, Estonian, Lithuanian and Slovenian personal numbers. Sources: the registries' own descriptions, as python-stdnum cites them."""

from __future__ import annotations

from stdnum.at import vnr
from stdnum.ee import ik
from stdnum.ie import pps
from stdnum.lt import asmens
from stdnum.si import emso

from addons.masks.detectors.kinds import digits, letters, words

_VNR = words("svnr", "sozialversicherungsnummer", "versicherungsnummer", "sv-nummer", "e-card")
_PPS = words("pps", "ppsn", "pps number", "personal public service")
_IK = words("isikukood", "personal code", "estonian")
_ASMENS = words("asmens kodas", "personal code", "lithuanian")
_EMSO = words("emšo", "emso", "matična številka")

DETECTORS = (
    digits("AT_VNR", r"[1-9][0-9]{3} ?[0-3][0-9][01][0-9][0-9]{2}", vnr.is_valid, _VNR, near=0.95, alone=0.0),
    letters("IE_PPS", r"[0-9]{7}[A-W][A-IWTX]?", pps.is_valid, _PPS, near=0.9, alone=0.0),
    digits("EE_IK", r"[1-8][0-9]{10}", ik.is_valid, _IK, near=0.9, alone=0.0),
    digits("LT_ASMENS", r"[1-8][0-9]{10}", asmens.is_valid, _ASMENS, near=0.9, alone=0.0),
    digits("SI_EMSO", r"[0-3][0-9][01][0-9]{10}", emso.is_valid, _EMSO, near=0.9, alone=0.0),
)
