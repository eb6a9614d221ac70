"""Singapore: number of a business. Source: ACRA."""

from __future__ import annotations

from stdnum.sg import uen

from addons.masks.detectors.kinds import letters, words

_UEN = words("uen", "unique entity number", "business registration", "acra")
DETECTORS = (
    letters(
        "SG_UEN",
        r"[0-9]{8,9}[A-Z]|[TSR][0-9]{2}[A-Z]{2}[0-9]{4}[A-Z]",
        lambda value: bool(uen.is_valid(value)),
        _UEN,
        bare=0.45,
        near=0.9,
        alone=0.63,
    ),
)
