"""Italy: codice fiscale. Source: Agenzia delle Entrate."""

from __future__ import annotations

from stdnum.it import codicefiscale

from addons.masks.detectors.kinds import letters, words

_FISCAL = words("codice fiscale", "codicefiscale", "fiscal code", "cf", "c.f.", "tax code", "fiscale")


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
)
