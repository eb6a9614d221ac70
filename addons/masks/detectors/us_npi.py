"""United States: national provider identifier. Source: CMS, 45 CFR 162.406."""

from __future__ import annotations

from stdnum import luhn

from addons.masks.detectors.kinds import digits, words

_NPI = words(
    "npi", "provider", "national provider", "physician", "prescriber", "taxonomy", "cms", "medicare", "practitioner"
)


def _is_npi(value: str) -> bool:
    """Luhn over the number with 80840 before it."""
    return bool(luhn.is_valid("80840" + value)) and len(set(value)) > 2


DETECTORS = (
    digits("US_NPI", r"[12][0-9]{9}|[12][0-9]{3}[ \-][0-9]{3}[ \-][0-9]{3}", _is_npi, _NPI, near=0.85, alone=0.58),
)
