"""American numbers other than SSN and ITIN. Sources: ABA routing number policy; CMS on NPI (45 CFR 162.406) and MBI; DEA Form 224; State Department (passports)."""

from __future__ import annotations

from stdnum import luhn
from stdnum.us import rtn

from addons.masks.detectors.kinds import anything, digits, letters, words

_BANK = words(
    "bank",
    "banking",
    "account",
    "acct",
    "acc",
    "account number",
    "checking",
    "savings",
    "debit",
    "deposit",
    "iban",
    "direct deposit",
)
_ROUTING = words("aba", "routing", "rtn", "transit", "ach", "wire", "bankrouting", "abarouting", "association", "bank")
_PASSPORT = words("passport", "travel document", "pass number", "passport number", "us passport", "united states")
_LICENCE = words(
    "driver",
    "driver's",
    "drivers",
    "driving",
    "license",
    "licence",
    "permit",
    "dl",
    "dln",
    "lic",
    "identification",
    "dls",
    "cdls",
)
_NPI = words(
    "npi", "provider", "national provider", "physician", "prescriber", "taxonomy", "cms", "medicare", "practitioner"
)
_MBI = words("mbi", "medicare", "beneficiary", "cms", "medicaid", "hic", "hicn", "patient")
_DEA = words(
    "dea", "medical license", "certificate", "prescriber", "physician", "license", "practitioner", "registration"
)
_L = "AC-HJKMNP-RT-Y"  # MBI: no S, L, O, I, B, Z


def _is_npi(value: str) -> bool:
    """Luhn over the number with 80840 before it."""
    return bool(luhn.is_valid("80840" + value)) and len(set(value)) > 2


def _is_dea(value: str) -> bool:
    """The sum of the odd digits and twice that of the even ones ends in the last."""
    numbers = [int(letter) for letter in value[2:]]
    return (sum(numbers[0:6:2]) + 2 * sum(numbers[1:6:2])) % 10 == numbers[6]


def _varied(value: str) -> bool:
    return len(set(value)) > 2


_MBI_SHAPE = rf"[1-9][{_L}][{_L}0-9][0-9]-?[{_L}][{_L}0-9][0-9]-?[{_L}]{{2}}[0-9]{{2}}"
DETECTORS = (
    digits(
        "ABA_ROUTING_NUMBER",
        r"[0-9]{4}-[0-9]{4}-[0-9]",
        rtn.is_valid,
        _ROUTING,
        bare=0.6,
        near=0.9,
        alone=0.75,
        shapes=("0000-0000-0",),
    ),
    digits("ABA_ROUTING_NUMBER", r"[0-9]{9}", rtn.is_valid, _ROUTING, near=0.9, alone=0.72),
    digits("US_BANK_NUMBER", r"[0-9]{8,17}", _varied, _BANK, near=0.6, alone=0.0),
    digits("US_PASSPORT", r"[0-9]{9}", _varied, _PASSPORT, near=0.65, alone=0.0),
    letters("US_PASSPORT", r"[A-Z][0-9]{8}", _varied, _PASSPORT, near=0.65, alone=0.5),
    digits("US_DRIVER_LICENSE", r"[0-9]{6,14}|[0-9]{3}-[0-9]{2,3}-[0-9]{3,4}", _varied, _LICENCE, near=0.55, alone=0.0),
    letters(
        "US_DRIVER_LICENSE",
        r"[A-Z][0-9]{3,14}|[A-Z]{2}[0-9]{2,7}[A-Z]?|[0-9]{2}[A-Z]{3}[0-9]{5,6}|[A-Z][0-9]{3}-[0-9]{3,4}-[0-9]{2,4}(?:-[0-9]{1,4})?|[A-Z]{3}[0-9]{6}|[0-9]{3}[A-Z]{2}[0-9]{4}|[0-9]{7,8}[A-Z]|[A-Z][0-9]{2}-?[0-9]{2}-?[0-9]{4}",
        _varied,
        _LICENCE,
        near=0.55,
        alone=0.0,
    ),
    digits("US_NPI", r"[12][0-9]{9}|[12][0-9]{3}[ \-][0-9]{3}[ \-][0-9]{3}", _is_npi, _NPI, near=0.85, alone=0.58),
    letters("US_MBI", _MBI_SHAPE, anything, _MBI, bare=0.6, near=0.9, alone=0.8, shapes=("AA00",)),
    letters(
        "MEDICAL_LICENSE",
        r"[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}",
        _is_dea,
        _DEA,
        bare=0.5,
        near=0.9,
        alone=0.75,
        shapes=("A0000000",),
    ),
)
