"""United Kingdom: postcode. Source: GOV.UK ILRR."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_POSTCODE = words("postcode", "post code", "postal code", "zip", "address", "addr", "delivery", "street", "road")
DETECTORS = (
    letters(
        "UK_POSTCODE",
        r"(?:GIR ?0AA|[A-PR-UWYZ](?:[A-HK-Y]?[0-9][A-Z0-9]?|[0-9][A-HJKPSTUW]) ?[0-9][ABD-HJLNP-UW-Z]{2})",
        anything,
        _POSTCODE,
        near=0.55,
        alone=0.51,
    ),
)
