"""European Union: VAT number of a company. Source: VIES."""

from __future__ import annotations

from stdnum.eu import vat

from addons.masks.detectors.kinds import letters, words

_VAT = words(
    "vat",
    "vat id",
    "vat number",
    "ust",
    "ustid",
    "ust-idnr",
    "tva",
    "btw",
    "iva",
    "mwst",
    "umsatzsteuer",
    "moms",
    "nif",
)
DETECTORS = (
    letters(
        "EU_VAT",
        r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)[ ]?[0-9A-Z]{8,12}",
        vat.is_valid,
        _VAT,
        near=0.7,
        alone=0.0,
    ),
)
