"""Thailand: national identification number. Source: DOPA."""

from __future__ import annotations

from stdnum.th import pin

from addons.masks.detectors.kinds import digits, words

_THAI = words("thai", "thai id", "เลขประจำตัวประชาชน", "บัตรประชาชน", "national id", "tnin")
DETECTORS = (
    digits(
        "TH_TNIN",
        r"[1-8](?P<sep>[ \-]?)[0-9]{4}(?P=sep)[0-9]{5}(?P=sep)[0-9]{2}(?P=sep)[0-9]",
        pin.is_valid,
        _THAI,
        bare=0.4,
        near=0.95,
        alone=0.75,
    ),
)
