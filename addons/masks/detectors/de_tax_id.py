"""Germany: Steuer-Identifikationsnummer. Source: BZSt, ISO 7064."""

from __future__ import annotations

from stdnum.iso7064 import mod_11_10

from addons.masks.detectors.kinds import digits, words

TAX = words(
    "steuer",
    "steuer-id",
    "steuerid",
    "steueridentifikationsnummer",
    "identifikationsnummer",
    "idnr",
    "tin",
    "steuernummer",
    "tax id",
    "finanzamt",
    "bzst",
)


def _is_tax_id(value: str) -> bool:
    """ISO 7064 MOD 11,10; of the first ten digits none comes more than three times."""
    return bool(mod_11_10.is_valid(value)) and max(map(value[:10].count, value[:10])) <= 3


DETECTORS = (
    digits("DE_TAX_ID", r"[1-9][0-9]{10}|[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", _is_tax_id, TAX, near=0.9, alone=0.7),
)
