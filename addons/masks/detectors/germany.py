"""German numbers. Sources: BZSt (tax id, ISO 7064), DRV VKVV (social insurance), ICAO 9303 (passport, card), SGB V 290 (health), KBV (LANR, BSNR), UStG 27a."""

from __future__ import annotations

import regex
from stdnum.de import vat
from stdnum.iso7064 import mod_11_10

from addons.masks.detectors.kinds import Anchored, anything, digits, letters, words

_TAX = words(
    "steuer",
    "steuer-id",
    "steuerid",
    "steueridentifikationsnummer",
    "identifikationsnummer",
    "idnr",
    "tin",
    "steuernummer",
    "tax id",
    "finanzamt",
    "bzst",
)
_SOCIAL = words(
    "sozialversicherung",
    "sozialversicherungsnummer",
    "rentenversicherung",
    "rentenversicherungsnummer",
    "versicherungsnummer",
    "svnr",
    "rvnr",
    "sv-nummer",
)
_PASSPORT = words("reisepass", "pass", "passnummer", "reisepassnummer", "passport", "pass-nr")
_CARD = words(
    "personalausweis", "ausweis", "ausweisnummer", "personalausweisnummer", "identity card", "id card", "perso"
)
_HEALTH = words(
    "krankenversicherung",
    "krankenversichertennummer",
    "kvnr",
    "krankenkasse",
    "versichertennummer",
    "egk",
    "health insurance",
)
_LICENCE = words("führerschein", "führerscheinnummer", "fahrerlaubnis", "fuehrerschein", "driver license")
_PLATE = words("kennzeichen", "kfz", "kfz-kennzeichen", "nummernschild", "fahrzeug", "auto", "license plate")
_POSTAL = words("plz", "postleitzahl", "postal code", "zip", "anschrift", "adresse", "wohnhaft", "ort")
_REGISTER = words(
    "handelsregister",
    "amtsgericht",
    "registergericht",
    "handelsregisternummer",
    "register",
    "eingetragen",
    "hra",
    "hrb",
)
_DOCTOR = words("lanr", "arztnummer", "lebenslange arztnummer", "vertragsarzt", "arzt")
_PRACTICE = words("bsnr", "betriebsstättennummer", "betriebsstätte", "praxis")
_VAT = words("ust", "ust-id", "ustid", "ust-idnr", "umsatzsteuer", "umsatzsteuer-id", "mehrwertsteuer", "vat", "mwst")
_WEIGHTS = (7, 3, 1)


def _icao(value: str) -> bool:
    """The last digit is the sum of the others (letters from A = 10) weighted 7, 3, 1."""
    total = sum(int(letter, 36) * _WEIGHTS[index % 3] for index, letter in enumerate(value[:-1]))
    return value[-1].isdigit() and total % 10 == int(value[-1])


def _cross_sum(numbers: list[int]) -> int:
    return sum(number // 10 + number % 10 for number in numbers)


def _is_social(value: str) -> bool:
    """The letter counts as two digits; every second digit doubled or more, cross sums added. VKVV 4."""
    plain = value[:8] + f"{ord(value[8]) - 64:02d}" + value[9:]
    factors = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    return _cross_sum([int(digit) * factor for digit, factor in zip(plain, factors, strict=False)]) % 10 == int(
        value[-1]
    )


def _is_health(value: str) -> bool:
    """A letter as two digits, then alternately once and twice, cross sums added."""
    plain = f"{ord(value[0]) - 64:02d}" + value[1:9]
    return _cross_sum([int(digit) * (1 + index % 2) for index, digit in enumerate(plain)]) % 10 == int(value[9])


def _is_doctor(value: str) -> bool:
    """Seventh digit: ten less the sum weighted 4, 9."""
    total = sum(int(digit) * (4 if index % 2 == 0 else 9) for index, digit in enumerate(value[:6]))
    return (10 - total % 10) % 10 == int(value[6])


def _is_tax_id(value: str) -> bool:
    """ISO 7064 MOD 11,10; of the first ten digits none comes more than three times."""
    return bool(mod_11_10.is_valid(value)) and max(map(value[:10].count, value[:10])) <= 3


def _is_postal(value: str) -> bool:
    return "01001" <= value <= "99998"


_C = "CFGHJKLMNPRTVWXYZ"
DETECTORS = (
    digits("DE_TAX_ID", r"[1-9][0-9]{10}|[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", _is_tax_id, _TAX, near=0.9, alone=0.7),
    digits(
        "DE_TAX_NUMBER",
        r"[0-9]{2,3}/[0-9]{3}/[0-9]{4,5}|[0-9]{3}/[0-9]{4}/[0-9]{4}|[0-9]{13}",
        anything,
        _TAX,
        near=0.8,
        alone=0.0,
    ),
    letters(
        "DE_SOCIAL_SECURITY",
        r"[0-9]{2} ?[0-3][0-9][01][0-9][0-9]{2} ?[A-Z] ?[0-9]{3}",
        _is_social,
        _SOCIAL,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("000000A000", "000000A 000", "000000 A000", "000000 A 000"),
    ),
    letters(
        "DE_PASSPORT",
        rf"[{_C}][{_C}0-9]{{8}}[0-9]?",
        lambda value: _icao(value[:10]) if len(value) == 10 else True,
        _PASSPORT,
        near=0.67,
        alone=0.51,
    ),
    letters(
        "DE_ID_CARD",
        rf"[{_C}][{_C}0-9]{{8}}[0-9]?|T[0-9]{{8}}",
        lambda value: _icao(value[:10]) if len(value) == 10 else True,
        _CARD,
        near=0.67,
        alone=0.5,
    ),
    letters("DE_HEALTH_INSURANCE", r"[A-Z][0-9]{9}", _is_health, _HEALTH, bare=0.45, near=0.9, alone=0.65),
    letters("DE_FUEHRERSCHEIN", r"[A-Z0-9][0-9]{2}[A-Z0-9]{6}[0-9][A-Z0-9]", anything, _LICENCE, near=0.7, alone=0.0),
    letters("DE_KFZ", r"[A-ZÄÖÜ]{1,3}[ \-][A-Z]{1,2}[ \-]?[1-9][0-9]{0,3}[EH]?", anything, _PLATE, near=0.6, alone=0.0),
    Anchored(
        entity="DE_HANDELSREGISTER",
        anchors=("HRA", "HRB"),
        pattern=regex.compile(r"(?i)(?<![A-Za-z0-9])HR[AB] ?[0-9]{1,6}(?![A-Za-z0-9])"),
        after=8,
        confidence=0.6,
        context=_REGISTER,
        with_context=0.85,
    ),
    Anchored(
        entity="DE_PLZ",
        anchors=("PLZ", "ostleitzahl"),
        pattern=regex.compile(
            r"(?i)(?:plz|postleitzahl)(?:[ \t]*(?:ist|lautet|is))?[\"' \t:=\-]{0,5}(?P<value>[0-9]{5})(?![0-9])"
        ),
        back=regex.compile(r"(?ri)p?"),
        after=24,
        valid=_is_postal,
        confidence=0.6,
    ),
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
    digits("DE_LANR", r"[0-9]{9}", _is_doctor, _DOCTOR, near=0.8, alone=0.0),
    digits("DE_BSNR", r"[0-9]{9}", anything, _PRACTICE, near=0.7, alone=0.0),
)
