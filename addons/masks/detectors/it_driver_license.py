"""Italy: patente di guida. Source: Motorizzazione."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_LICENCE = words("patente", "patente di guida", "licenza", "licenza di guida", "license", "driver", "guida")
DETECTORS = (
    letters("IT_DRIVER_LICENSE", r"[A-Z]{2}[0-9]{7}[A-Z]", anything, _LICENCE, near=0.75, alone=0.7),
    letters(
        "IT_DRIVER_LICENSE",
        r"U1(?=[A-Z0-9]*[0-9])[B-DF-HJ-NP-TV-Z0-9]{7}[A-Z]",
        anything,
        _LICENCE,
        near=0.75,
        alone=0.7,
    ),
)
