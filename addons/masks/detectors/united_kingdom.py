"""British numbers. Sources: NHS Data Dictionary (NHS number); HMRC NIM39110 (NINO); DVLA INF45 (registrations, licences); GOV.UK ILRR (postcodes)."""

from __future__ import annotations

import regex
from stdnum.gb import nhs

from addons.masks.detectors.kinds import anything, digits, letters, words

_NHS = words(
    "nhs",
    "national health service",
    "health services authority",
    "health authority",
    "patient",
    "nhs number",
    "medical",
)
_NINO = words("national insurance", "ni number", "nino", "insurance number", "ni")
_PASSPORT = words("passport", "travel document", "uk passport", "british", "hmpo")
_LICENCE = words("driving licence", "driving license", "driver", "dvla", "licence", "license", "dl")
_PLATE = words(
    "registration",
    "vehicle",
    "number plate",
    "plate",
    "licence plate",
    "license plate",
    "car",
    "vrn",
    "reg",
    "dvla",
    "mot",
)
_POSTCODE = words("postcode", "post code", "postal code", "zip", "address", "addr", "delivery", "street", "road")


def _is_nino(value: str) -> bool:
    return value[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def _is_licence(value: str) -> bool:
    """Characters 7 to 11: decade, month (5 added for women), day, year."""
    month, day = int(value[6:8]), int(value[8:10])
    return (1 <= month % 50 <= 12) and 1 <= day <= 31 and regex.fullmatch(r"[A-Z]+9*", value[:5]) is not None


DETECTORS = (
    digits(
        "UK_NHS",
        r"[0-9]{3}(?P<sep>[ \-])[0-9]{3}(?P=sep)[0-9]{4}",
        nhs.is_valid,
        _NHS,
        bare=0.52,
        near=0.9,
        alone=0.85,
        shapes=("000-000-0000", "000 000 0000"),
    ),
    digits("UK_NHS", r"[0-9]{10}", nhs.is_valid, _NHS, near=0.9, alone=0.73),
    letters(
        "UK_NINO",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]",
        _is_nino,
        _NINO,
        bare=0.6,
        near=0.9,
        alone=0.7,
        shapes=("AA000000A",),
    ),
    digits(
        "UK_NINO",
        r"(?<![A-Z])(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?[0-9]{2} [0-9]{2} [0-9]{2} ?(?i:[A-D])",
        _is_nino,
        _NINO,
        bare=0.6,
        near=0.9,
        alone=0.7,
        shapes=("00 00 00",),
    ),
    letters("UK_PASSPORT", r"[A-Z]{2}[0-9]{7}", anything, _PASSPORT, near=0.66, alone=0.66),
    letters(
        "UK_DRIVING_LICENCE",
        r"[A-Z9]{5}[0-9][0156][0-9][0-3][0-9][0-9][A-Z9]{2}[A-Z0-9][A-Z]{2}",
        _is_licence,
        _LICENCE,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("A000000", "00000000"),
    ),
    letters(
        "UK_VEHICLE_REGISTRATION",
        r"[A-HJ-PR-Y][A-HJ-PR-Y](?:0[1-9]|[1-7][0-9]) ?[A-HJ-PR-Z]{3}",
        anything,
        _PLATE,
        near=0.6,
        alone=0.52,
    ),
    letters(
        "UK_VEHICLE_REGISTRATION",
        r"[A-HJ-NPR-TV-Y][0-9]{1,3} ?[A-HJ-PR-Y]{3}|[A-HJ-PR-Y]{3} ?[0-9]{1,3}[A-HJ-NPR-TV-Y]",
        anything,
        _PLATE,
        near=0.55,
        alone=0.5,
    ),
    letters(
        "UK_POSTCODE",
        r"(?:GIR ?0AA|[A-PR-UWYZ](?:[A-HK-Y]?[0-9][A-Z0-9]?|[0-9][A-HJKPSTUW]) ?[0-9][ABD-HJLNP-UW-Z]{2})",
        anything,
        _POSTCODE,
        near=0.55,
        alone=0.51,
    ),
)
