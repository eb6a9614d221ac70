"""Portugal: NIF. Source: Autoridade Tributária."""

from __future__ import annotations

from stdnum.pt import nif as pt_nif

from addons.masks.detectors.kinds import digits, words

_PT = words("nif", "contribuinte", "número de contribuinte", "identificação fiscal", "fiscal")
DETECTORS = (digits("PT_NIF", r"[1-35689][0-9]{8}", pt_nif.is_valid, _PT, near=0.85, alone=0.0),)
