"""Italy: partita IVA. Source: Agenzia delle Entrate."""

from __future__ import annotations

from stdnum.it import iva

from addons.masks.detectors.kinds import digits, words

_VAT = words("iva", "partita iva", "p.iva", "piva", "vat", "codice iva", "partitaiva")
DETECTORS = (
    digits(
        "IT_VAT_CODE",
        r"[0-9]{11}|[0-9]{3}[ _][0-9]{3}[ _][0-9]{3}[ _][0-9]{2}",
        iva.is_valid,
        _VAT,
        near=0.9,
        alone=0.62,
    ),
)
