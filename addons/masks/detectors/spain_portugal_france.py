"""Spanish, Portuguese and French numbers. Sources: RD 1553/2005 (DNI, NIE), AEAT (NIF), BOE (passport); AT (NIF); INSEE (NIR, SIREN, SIRET)."""

from __future__ import annotations

from stdnum.es import cif, dni, nie
from stdnum.fr import nif as fr_nif
from stdnum.fr import nir, siren, siret
from stdnum.pt import nif as pt_nif

from addons.masks.detectors.kinds import anything, digits, letters, words

_DNI = words(
    "dni", "nif", "documento nacional de identidad", "identificación", "identificacion", "documento", "cif", "vat"
)
_NIE = words("nie", "número de identificación de extranjero", "extranjero", "identificación", "foreigner")
_PASSPORT = words("pasaporte", "passport", "número de pasaporte", "viaje", "documento")
_PT = words("nif", "contribuinte", "número de contribuinte", "identificação fiscal", "fiscal")
_NIR = words(
    "sécurité sociale", "securite sociale", "sécu", "nir", "insee", "numéro de sécurité sociale", "carte vitale"
)
_SIREN = words("siren", "siret", "rcs", "entreprise", "tva")
_FISCAL = words("numéro fiscal", "fiscal", "spi", "impôts", "impots")

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
    letters(
        "ES_NIE",
        r"[XYZ][ \-]?[0-9]{7}[ \-]?[A-HJ-NP-TV-Z]",
        lambda value: bool(nie.is_valid(value)),
        _NIE,
        bare=0.65,
        near=0.9,
        alone=0.75,
        shapes=("A0000000", "A-0000000", "A 0000000"),
    ),
    letters("ES_PASSPORT", r"[A-Z]{3}[0-9]{6}", anything, _PASSPORT, near=0.67, alone=0.67),
    digits("PT_NIF", r"[1-35689][0-9]{8}", pt_nif.is_valid, _PT, near=0.85, alone=0.0),
    digits(
        "FR_NIR",
        r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        nir.is_valid,
        _NIR,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("000 000 00", "000000 00", "000 00000", *(f"<{'0' * length}>" for length in (8, 10, 12, 14, 15))),
    ),
    digits("FR_SIREN", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", siren.is_valid, _SIREN, near=0.8, alone=0.0),
    digits("FR_SIREN", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3} ?[0-9]{5}", siret.is_valid, _SIREN, near=0.8, alone=0.0),
    digits(
        "FR_NIF", r"[0-3][0-9] ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", fr_nif.is_valid, _FISCAL, near=0.8, alone=0.0
    ),
)
