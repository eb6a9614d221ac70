"""Polish, Czech, Romanian, Bulgarian, Russian, Turkish numbers and some neighbours'. Sources: the registries' own descriptions, as python-stdnum cites them."""

from __future__ import annotations

from stdnum.bg import egn
from stdnum.cz import rc
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.pl import nip, pesel
from stdnum.ro import cnp
from stdnum.ru import inn
from stdnum.tr import tckimlik

from addons.masks.detectors.kinds import digits, letters, words

_PESEL = words("pesel", "numer pesel", "polish")
_NIP = words("nip", "numer nip", "vat")
_TR = words("tc", "tckn", "kimlik", "tc kimlik", "t.c.", "vatandaşlık", "turkish id", "türk", "kimlik no", "nüfus")
_PLATE = words("plaka", "araç", "plaka no", "license plate", "plate", "plakası")
_RC = words("rodné číslo", "rodne cislo", "rč", "birth number")
_CNP = words("cnp", "cod numeric personal")
_EGN = words("егн", "egn")
_INN = words("инн", "inn")
_OIB = words("oib", "osobni identifikacijski broj")
_AMKA = words("amka", "αμκα")
_PASSPORT = words("паспорт", "passport", "серия", "номер")

DETECTORS = (
    digits(
        "PL_PESEL",
        r"[0-9]{2}(?:[02468][1-9]|[13579][012])[0-3][0-9]{6}",
        pesel.is_valid,
        _PESEL,
        bare=0.45,
        near=0.95,
        alone=0.68,
    ),
    digits(
        "PL_NIP",
        r"[1-9][0-9]{2}-?[0-9]{3}-?[0-9]{2}-?[0-9]{2}|[1-9][0-9]{2}-?[0-9]{2}-?[0-9]{2}-?[0-9]{3}",
        nip.is_valid,
        _NIP,
        near=0.85,
        alone=0.0,
    ),
    digits(
        "TR_NATIONAL_ID",
        r"[1-9][0-9]{10}",
        tckimlik.is_valid,
        _TR,
        bare=0.55,
        near=0.95,
        alone=0.71,
        shapes=("<00000000000>",),
    ),
    letters(
        "TR_LICENSE_PLATE",
        r"(?:0[1-9]|[1-7][0-9]|8[01]) ?(?:[A-Z] ?[0-9]{4,5}|[A-Z]{2} ?[0-9]{3,4}|[A-Z]{3} ?[0-9]{2,3})",
        lambda _: True,
        _PLATE,
        near=0.7,
        alone=0.5,
    ),
    digits("CZ_RC", r"[0-9]{6}/?[0-9]{3,4}", rc.is_valid, _RC, near=0.9, alone=0.0),
    digits("RO_CNP", r"[1-9][0-9]{12}", cnp.is_valid, _CNP, near=0.95, alone=0.0),
    digits("BG_EGN", r"[0-9]{10}", egn.is_valid, _EGN, near=0.95, alone=0.0),
    digits("RU_INN", r"[0-9]{10}|[0-9]{12}", inn.is_valid, _INN, near=0.95, alone=0.0),
    digits("RU_PASSPORT", r"[0-9]{2} ?[0-9]{2} ?[0-9]{6}", lambda _: True, _PASSPORT, near=0.6, alone=0.0),
    digits("HR_OIB", r"[0-9]{11}", oib.is_valid, _OIB, near=0.95, alone=0.0),
    digits("GR_AMKA", r"[0-3][0-9][01][0-9]{8}", amka.is_valid, _AMKA, near=0.95, alone=0.0),
)
