"""Canada: social insurance number. Source: Service Canada."""

from __future__ import annotations

from stdnum.ca import sin

from addons.masks.detectors.kinds import digits, words

_SIN = words("sin", "social insurance", "social insurance number", "nas", "canadian")
DETECTORS = (
    digits(
        "CA_SIN",
        r"[1-79][0-9]{2}(?P<sep>[ \-])[0-9]{3}(?P=sep)[0-9]{3}",
        sin.is_valid,
        _SIN,
        bare=0.5,
        near=0.95,
        alone=0.72,
        shapes=("000 000 000", "000-000-000"),
    ),
    digits("CA_SIN", r"[1-79][0-9]{8}", sin.is_valid, _SIN, near=0.9, alone=0.55),
)
