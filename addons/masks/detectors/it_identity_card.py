"""Italy: carta d'identità. Source: Ministero dell'Interno."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_CARD = words(
    "carta",
    "identità",
    "identita",
    "carta d'identità",
    "cie",
    "documento",
    "riconoscimento",
    "elettronica",
    "identity card",
)
DETECTORS = (
    letters(
        "IT_IDENTITY_CARD",
        r"[A-Z]{2} ?[0-9]{7}|[0-9]{7}[A-Z]{2}|[A-Z]{2}[0-9]{5}[A-Z]{2}|C[A-Z][0-9]{5}[A-Z]{2}",
        anything,
        _CARD,
        near=0.68,
        alone=0.61,
    ),
)
