"""Brazil: CPF of a person. Source: Receita Federal."""

from __future__ import annotations

from stdnum.br import cpf

from addons.masks.detectors.kinds import digits, words

_CPF = words("cpf", "cadastro de pessoas físicas")
DETECTORS = (
    digits(
        "BR_CPF",
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
        cpf.is_valid,
        _CPF,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("000.000.000-00",),
    ),
    digits("BR_CPF", r"[0-9]{11}", cpf.is_valid, _CPF, near=0.95, alone=0.56),
)
