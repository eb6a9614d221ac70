"""Finnish, Swedish, Norwegian, Danish, Dutch, Belgian and Swiss numbers. Sources: DVV (FI), Skatteverket (SE), Skatteetaten (NO), CPR (DK), RvIG (NL), IBZ (BE), ZAS (CH)."""

from __future__ import annotations

from datetime import date

import regex
from stdnum import luhn
from stdnum.be import nn
from stdnum.ch import ssn
from stdnum.dk import cpr
from stdnum.fi import hetu
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.se import orgnr

from addons.masks.detectors.kinds import Pattern, digits, words
from addons.masks.sight import Where

_FI = words("hetu", "henkilötunnus", "personbeteckningen", "personal identity code", "finnish", "henkilötunnu")
_SE = words(
    "personnummer",
    "pnr",
    "svenskt personnummer",
    "swedish",
    "samordningsnummer",
    "personal identity",
    "svensk",
    "personal id",
    "person number",
)
_SE_ORG = words("organisationsnummer", "org nr", "orgnr", "organisation", "företag", "bolag", "company", "org.nr")
_NO = words("fødselsnummer", "fodselsnummer", "personnummer", "fnr", "norwegian")
_DK = words("cpr", "cpr-nummer", "cprnr", "personnummer", "danish")
_NL = words("bsn", "burgerservicenummer", "sofinummer", "sofi", "citizen service number")
_BE = words("rijksregisternummer", "numéro national", "national number", "nn", "registre national", "insz", "niss")
_CH = words("ahv", "avs", "ahv-nummer", "sozialversicherungsnummer", "navs", "avs13", "ahvn13")


def _is_personnummer(value: str) -> bool:
    """A date (day plus 60 in coordination numbers), three digits, and Luhn over the last ten."""
    short = value[-10:]
    century = int(value[:2]) if len(value) == 12 else None
    day = int(short[4:6])
    if not luhn.is_valid(short) or (century is not None and century not in (18, 19, 20)):
        return False
    try:
        date(int(value[:4]) if century else 2000 + int(short[:2]), int(short[2:4]), day - 60 if day > 60 else day)
    except ValueError:
        return False
    return True


def _before_letters(shape: str) -> regex.Pattern[str]:
    """Letters may stand before it (`is030594W903B`), digits may not."""
    return regex.compile(rf"(?<![0-9])(?<![0-9][.\-])(?:{shape})(?![A-Za-z0-9])(?![.\-][0-9])", regex.IGNORECASE)


DETECTORS = (
    Pattern(
        entity="FI_PERSONAL_IDENTITY_CODE",
        where=Where.CAPITALS,
        shapes=("000000A000", "000000-000", "000000+000"),
        pattern=_before_letters(r"[0-3][0-9][01][0-9]{3}[+\-A-FYXWVU][0-9]{3}[0-9A-FHJ-NPR-Y]"),
        valid=lambda value: bool(hetu.is_valid(value, allow_temporary=True)),
        canonical=str.upper,
        confidence=0.7,
        context=_FI,
        with_context=0.95,
        alone=0.9,
    ),
    Pattern(
        entity="FI_PERSONAL_IDENTITY_CODE",
        where=Where.NUMBERS,
        shapes=("000000-000", "000000+000", "000000A000"),
        pattern=_before_letters(r"[0-3][0-9][01][0-9]{3}[+\-A-FYXWVU][0-9]{3}[0-9A-FHJ-NPR-Y]"),
        valid=lambda value: bool(hetu.is_valid(value, allow_temporary=True)),
        canonical=str.upper,
        confidence=0.7,
        context=_FI,
        with_context=0.95,
        alone=0.9,
    ),
    Pattern(
        entity="SE_PERSONNUMMER",
        where=Where.NUMBERS,
        shapes=("000000-0000", "000000+0000"),
        pattern=_before_letters(r"(?:18|19|20)?[0-9]{2}[01][0-9][0-9]{2}[\-+][0-9]{4}"),
        valid=_is_personnummer,
        confidence=0.6,
        context=_SE,
        with_context=0.95,
        alone=0.9,
    ),
    Pattern(
        entity="SE_PERSONNUMMER",
        where=Where.NUMBERS,
        pattern=_before_letters(r"(?:18|19|20)[0-9]{2}[01][0-9][0-9]{6}"),
        valid=_is_personnummer,
        confidence=0.45,
        context=_SE,
        with_context=0.95,
        alone=0.9,
    ),
    Pattern(
        entity="SE_PERSONNUMMER",
        where=Where.NUMBERS,
        pattern=_before_letters(r"[0-9]{2}[01][0-9]{7}"),
        valid=_is_personnummer,
        confidence=0.1,
        context=_SE,
        with_context=0.9,
        alone=0.74,
    ),
    digits(
        "SE_ORGANISATIONSNUMMER",
        r"[1-35-9][0-9][2-9][0-9]{3}-?[0-9]{4}",
        orgnr.is_valid,
        _SE_ORG,
        near=0.85,
        alone=0.57,
    ),
    digits(
        "NO_FODSELSNUMMER",
        r"[0-7][0-9][0-9]{4} ?[0-9]{5}",
        fodselsnummer.is_valid,
        _NO,
        bare=0.5,
        near=0.9,
        alone=0.66,
        shapes=("<00000000000>", "000000 00000"),
    ),
    digits("DK_CPR", r"[0-3][0-9][01][0-9]{3}-?[0-9]{4}", cpr.is_valid, _DK, near=0.85, alone=0.0),
    digits(
        "NL_BSN",
        r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}",
        bsn.is_valid,
        _NL,
        near=0.9,
        alone=0.0,
    ),
    digits(
        "BE_NN",
        r"[0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}[\- ]?[0-9]{3}[. ]?[0-9]{2}",
        nn.is_valid,
        _BE,
        bare=0.45,
        near=0.9,
        alone=0.65,
    ),
    digits(
        "CH_AHV",
        r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}",
        ssn.is_valid,
        _CH,
        bare=0.6,
        near=0.95,
        alone=0.9,
        shapes=("<000> <0000", "<000>.<0000", "<0000000>", "<00000000000>", "<0000000000000>"),
    ),
)
