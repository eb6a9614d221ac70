"""Germany: Umsatzsteuer-Identifikationsnummer. Source: UStG 27a."""

from __future__ import annotations

from stdnum.de import vat

from addons.masks.detectors.kinds import letters, words

_VAT = words("ust", "ust-id", "ustid", "ust-idnr", "umsatzsteuer", "umsatzsteuer-id", "mehrwertsteuer", "vat", "mwst")
DETECTORS = (
    letters(
        "DE_VAT_ID",
        r"DE ?[0-9]{9}|DE ?[0-9]{3} [0-9]{3} [0-9]{3}",
        lambda value: bool(vat.is_valid(value)),
        _VAT,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("AA000000000", "AA 000000000", "AA000 000 000", "AA 000 000 000"),
    ),
)
