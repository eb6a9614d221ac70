"""Italian numbers. Sources: Agenzia delle Entrate (codice fiscale, partita IVA), Ministero dell'Interno (carta d'identità), Motorizzazione (patente)."""

from __future__ import annotations

from stdnum.it import codicefiscale, iva

from addons.masks.detectors.kinds import anything, digits, letters, words

_FISCAL = words("codice fiscale", "codicefiscale", "fiscal code", "cf", "c.f.", "tax code", "fiscale")
_VAT = words("iva", "partita iva", "p.iva", "piva", "vat", "codice iva", "partitaiva")
_LICENCE = words("patente", "patente di guida", "licenza", "licenza di guida", "license", "driver", "guida")
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
_PASSPORT = words("passaporto", "passport", "elettronico", "italiano", "viaggio", "viaggiare", "documento", "dogana")


def _is_fiscal(value: str) -> bool:
    return bool(codicefiscale.is_valid(value))


DETECTORS = (
    letters(
        "IT_FISCAL_CODE",
        r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
        _is_fiscal,
        _FISCAL,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("****************",),
    ),
    digits(
        "IT_VAT_CODE",
        r"[0-9]{11}|[0-9]{3}[ _][0-9]{3}[ _][0-9]{3}[ _][0-9]{2}",
        iva.is_valid,
        _VAT,
        near=0.9,
        alone=0.62,
    ),
    letters("IT_DRIVER_LICENSE", r"[A-Z]{2}[0-9]{7}[A-Z]", anything, _LICENCE, near=0.75, alone=0.7),
    letters(
        "IT_DRIVER_LICENSE",
        r"U1(?=[A-Z0-9]*[0-9])[B-DF-HJ-NP-TV-Z0-9]{7}[A-Z]",
        anything,
        _LICENCE,
        near=0.75,
        alone=0.7,
    ),
    letters(
        "IT_IDENTITY_CARD",
        r"[A-Z]{2} ?[0-9]{7}|[0-9]{7}[A-Z]{2}|[A-Z]{2}[0-9]{5}[A-Z]{2}|C[A-Z][0-9]{5}[A-Z]{2}",
        anything,
        _CARD,
        near=0.68,
        alone=0.61,
    ),
    letters("IT_PASSPORT", r"[A-Z]{2}[0-9]{7}", anything, _PASSPORT, near=0.67, alone=0.6),
)
