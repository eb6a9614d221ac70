"""Pakistan: CNIC. Source: NADRA."""

from __future__ import annotations

from stdnum.pk import cnic

from addons.masks.detectors.kinds import digits, words

_CNIC = words("cnic", "nadra", "nic")
DETECTORS = (digits("PK_CNIC", r"[1-7][0-9]{4}-?[0-9]{7}-?[0-9]", cnic.is_valid, _CNIC, near=0.9, alone=0.0),)
