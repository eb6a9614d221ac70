"""Israel: teudat zehut. Source: Population and Immigration Authority."""

from __future__ import annotations

from stdnum.il import idnr as il_idnr

from addons.masks.detectors.kinds import digits, words

_IL = words("teudat zehut", "תעודת זהות", "israeli id", "ת.ז.", "ת״ז")
DETECTORS = (digits("IL_ID", r"[0-9]{9}", il_idnr.is_valid, _IL, near=0.9, alone=0.0),)
