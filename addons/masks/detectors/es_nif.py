"""Spain: DNI of a person, NIF of a company. Sources: RD 1553/2005, AEAT."""

from __future__ import annotations

from stdnum.es import cif, dni

from addons.masks.detectors.kinds import letters, words

_DNI = words(
    "dni", "nif", "documento nacional de identidad", "identificación", "identificacion", "documento", "cif", "vat"
)
DETECTORS = (
    letters(
        "ES_NIF",
        r"[0-9]{7,8}[ \-]?[A-HJ-NP-TV-Z]",
        lambda value: bool(dni.is_valid(value.zfill(9))),
        _DNI,
        bare=0.6,
        near=0.9,
        alone=0.7,
        shapes=("0000000A", "0000000-A", "0000000 A"),
    ),
    letters(
        "ES_NIF",
        r"[ABCDEFGHJNPQRSUVW][ \-]?[0-9]{7}[ \-]?[A-J0-9]",
        lambda value: bool(cif.is_valid(value)),
        _DNI,
        near=0.8,
        alone=0.59,
    ),
)
