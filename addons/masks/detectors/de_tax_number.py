"""Germany: Steuernummer of a tax office, which has no check digit to look at: by context only. Source: BZSt."""

from __future__ import annotations

from addons.masks.detectors.de_tax_id import TAX
from addons.masks.detectors.kinds import anything, digits

DETECTORS = (
    digits(
        "DE_TAX_NUMBER",
        r"[0-9]{2,3}/[0-9]{3}/[0-9]{4,5}|[0-9]{3}/[0-9]{4}/[0-9]{4}|[0-9]{13}",
        anything,
        TAX,
        near=0.8,
        alone=0.0,
    ),
)
