"""India: GST number of a business. Source: GSTN."""

from __future__ import annotations

from stdnum.in_ import gstin

from addons.masks.detectors.kinds import letters, words

_GSTIN = words("gst", "gstin", "gst number", "gstn", "goods and services tax")
DETECTORS = (
    letters(
        "IN_GSTIN",
        r"[0-3][0-9][A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]",
        lambda value: bool(gstin.is_valid(value)),
        _GSTIN,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("00AAAAA0000A",),
    ),
)
