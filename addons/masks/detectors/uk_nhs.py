"""United Kingdom: NHS number. Source: NHS Data Dictionary."""

from __future__ import annotations

from stdnum.gb import nhs

from addons.masks.detectors.kinds import digits, words

_NHS = words(
    "nhs",
    "national health service",
    "health services authority",
    "health authority",
    "patient",
    "nhs number",
    "medical",
)
DETECTORS = (
    digits(
        "UK_NHS",
        r"[0-9]{3}(?P<sep>[ \-])[0-9]{3}(?P=sep)[0-9]{4}",
        nhs.is_valid,
        _NHS,
        bare=0.52,
        near=0.9,
        alone=0.85,
        shapes=("000-000-0000", "000 000 0000"),
    ),
    digits("UK_NHS", r"[0-9]{10}", nhs.is_valid, _NHS, near=0.9, alone=0.73),
)
