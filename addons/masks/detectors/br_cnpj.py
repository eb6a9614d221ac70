"""Brazil: CNPJ of a company. Source: Receita Federal."""

from __future__ import annotations

from stdnum.br import cnpj

from addons.masks.detectors.kinds import digits, words

_CNPJ = words("cnpj")
DETECTORS = (
    digits(
        "BR_CNPJ",
        r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}/[0-9]{4}-[0-9]{2}",
        cnpj.is_valid,
        _CNPJ,
        bare=0.7,
        near=0.95,
        alone=0.9,
        shapes=("000/0000-00",),
    ),
)
