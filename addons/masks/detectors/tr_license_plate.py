"""Türkiye: number plate. Source: Karayolları Trafik Yönetmeliği."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_PLATE = words("plaka", "araç", "plaka no", "license plate", "plate", "plakası")
DETECTORS = (
    letters(
        "TR_LICENSE_PLATE",
        r"(?:0[1-9]|[1-7][0-9]|8[01]) ?(?:[A-Z] ?[0-9]{4,5}|[A-Z]{2} ?[0-9]{3,4}|[A-Z]{3} ?[0-9]{2,3})",
        anything,
        _PLATE,
        near=0.7,
        alone=0.5,
    ),
)
