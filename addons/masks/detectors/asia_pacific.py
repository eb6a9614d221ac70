"""Indian, Singaporean, Korean, Thai, Philippine, Chinese, Malaysian, Australian numbers. Sources: UIDAI, Income Tax Department, ICA, MOIS, DOPA, BIR, ATO, GB 11643."""

from __future__ import annotations

from datetime import date

from stdnum.au import abn, acn, tfn
from stdnum.cn import ric
from stdnum.in_ import aadhaar, gstin
from stdnum.kr import brn, rrn
from stdnum.my import nric
from stdnum.sg import uen
from stdnum.th import pin

from addons.masks.detectors.kinds import anything, digits, letters, unbroken, words

_PAN = words("pan", "permanent account number", "income tax", "pan card", "pan number")
_AADHAAR = words("aadhaar", "aadhar", "uidai", "adhaar", "uid")
_VOTER = words("voter", "epic", "elector photo identity card", "voter id", "election")
_GSTIN = words("gst", "gstin", "gst number", "gstn", "goods and services tax")
_IN_PASSPORT = words("passport", "indian passport", "travel document", "passport number")
_VEHICLE = words("rto", "vehicle", "plate", "registration", "number plate", "car", "licence plate")
_NRIC = words("nric", "fin", "fin#", "nric#", "singapore", "identity card", "national registration")
_UEN = words("uen", "unique entity number", "business registration", "acra")
_RRN = words("주민등록번호", "주민번호", "rrn", "resident registration", "korean")
_FRN = words("외국인등록번호", "frn", "foreigner registration", "alien registration")
_BRN = words("사업자등록번호", "사업자번호", "brn", "business registration", "korean")
_KR_DL = words("운전면허", "운전면허번호", "driver license", "license", "면허번호", "korean")
_KR_PASSPORT = words("여권", "여권번호", "passport", "korean")
_THAI = words("thai", "thai id", "เลขประจำตัวประชาชน", "บัตรประชาชน", "national id", "tnin")
_TIN = words("tin", "bir", "tax id", "taxpayer", "tax identification number", "philippine", "id")
_ABN = words("abn", "australian business number", "business number")
_ACN = words("acn", "australian company number", "company number")
_TFN = words("tfn", "tax file number", "australian tax")
_MEDICARE = words("medicare", "medicare number", "medicare card")
_CHINA = words("身份证", "身份证号", "公民身份号码", "id card", "identity card", "chinese id")
_MYKAD = words("mykad", "nric", "kad pengenalan", "ic number", "malaysian", "ic")


def _is_resident(value: str) -> bool:
    """The library's own look for the county fails where a province has none of that number."""
    try:
        return bool(ric.is_valid(value))
    except KeyError:
        return False


def _is_nric(value: str) -> bool:
    """Seven digits weighted 2 7 6 5 4 3 2; T and G add 4, M adds 3."""
    weighted = sum(int(digit) * weight for digit, weight in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}[
        value[0]
    ]
    offset = {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    return (
        table[(weighted + offset) % 11] == value[8]
        if value[0] != "M"
        else table[10 - (weighted + offset) % 11] == value[8]
    )


def _is_foreign_rrn(value: str) -> bool:
    """As the resident's, with 5 to 8 as the seventh digit: those of 2020 and later carry no check digit."""
    try:
        date(2000, int(value[2:4]), int(value[4:6]))
    except ValueError:
        return False
    return value[6] in "5678"


def _is_rrn(value: str) -> bool:
    try:
        date(2000, int(value[2:4]), int(value[4:6]))
    except ValueError:
        return False
    return value[6] in "1234" and (bool(rrn.is_valid(value)) or value[:2] >= "20")


def _is_medicare(value: str) -> bool:
    """Ninth digit: the first eight weighted 1 3 7 9 1 3 7 9, modulo ten."""
    total = sum(int(digit) * weight for digit, weight in zip(value[:8], (1, 3, 7, 9, 1, 3, 7, 9), strict=True))
    return total % 10 == int(value[8])


def _is_tin(value: str) -> bool:
    """Ninth digit: the first eight weighted 9 to 2, modulo eleven. Branch code after it."""
    total = sum(int(digit) * weight for digit, weight in zip(value[:8], range(9, 1, -1), strict=True)) % 11
    return value[0] != "6" and total % 10 == int(value[8]) and value[:3].isdigit()


_IN_STATES = "AN|AP|AR|AS|BR|CH|CG|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TG|TN|TR|TS|UA|UK|UP|WB"
DETECTORS = (
    letters(
        "IN_PAN",
        r"[A-Z]{3}[ABCFGHJLPTK][A-Z][0-9]{4}[A-Z]",
        anything,
        _PAN,
        bare=0.55,
        near=0.9,
        alone=0.8,
        shapes=("AAAAA0000A",),
    ),
    letters("IN_PAN", r"[A-Z]{5}[0-9]{4}[A-Z]|[A-Z][0-9]{4}[A-Z]{5}", anything, _PAN, near=0.7, alone=0.6),
    digits(
        "IN_AADHAAR",
        r"[2-9][0-9]{3}(?P<sep>[ \-:]?)[0-9]{4}(?P=sep)[0-9]{4}",
        aadhaar.is_valid,
        _AADHAAR,
        bare=0.3,
        near=0.95,
        alone=0.74,
    ),
    letters("IN_VOTER", r"[A-Z]{3}[0-9]{7}|[A-Z][A-Z][0-9]{8}", anything, _VOTER, near=0.75, alone=0.55),
    letters(
        "IN_GSTIN",
        r"[0-3][0-9][A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]",
        lambda value: bool(gstin.is_valid(value)),
        _GSTIN,
        bare=0.8,
        near=0.95,
        alone=0.9,
        shapes=("00AAAAA0000A",),
    ),
    letters("IN_PASSPORT", r"[A-PR-WY][1-9][0-9] ?[0-9]{4}[1-9]", anything, _IN_PASSPORT, near=0.68, alone=0.64),
    letters(
        "IN_VEHICLE_REGISTRATION",
        rf"(?:{_IN_STATES})[ \-]?[0-9]{{1,2}}[ \-]?[A-Z]{{0,3}}[ \-]?[0-9]{{4}}|[0-9]{{2}}BH[0-9]{{4}}[A-Z]{{1,2}}",
        anything,
        _VEHICLE,
        near=0.65,
        alone=0.53,
    ),
    letters(
        "SG_NRIC_FIN", r"[STFGM][0-9]{7}[A-Z]", _is_nric, _NRIC, bare=0.7, near=0.95, alone=0.9, shapes=("A0000000A",)
    ),
    letters(
        "SG_NRIC_FIN", r"[STFGM][0-9]{7}[A-Z]", anything, _NRIC, bare=0.5, near=0.8, alone=0.7, shapes=("A0000000A",)
    ),
    letters("SG_NRIC_FIN", r"[A-Z][0-9]{7}[A-Z]", anything, _NRIC, near=0.6, alone=0.56),
    letters(
        "SG_UEN",
        r"[0-9]{8,9}[A-Z]|[TSR][0-9]{2}[A-Z]{2}[0-9]{4}[A-Z]",
        lambda value: bool(uen.is_valid(value)),
        _UEN,
        bare=0.45,
        near=0.9,
        alone=0.63,
    ),
    digits(
        "KR_RRN",
        r"[0-9]{2}[01][0-9][0-3][0-9]-?[1-4][0-9]{6}",
        _is_rrn,
        _RRN,
        bare=0.55,
        near=0.95,
        alone=0.75,
        shapes=("000000-0000000", "<0000000000000>"),
    ),
    digits(
        "KR_FRN", r"[0-9]{2}[01][0-9][0-3][0-9]-?[5-8][0-9]{6}", _is_foreign_rrn, _FRN, bare=0.3, near=0.9, alone=0.7
    ),
    digits(
        "KR_BRN",
        r"[0-9]{3}-[0-9]{2}-[0-9]{5}|[0-9]{10}",
        lambda value: bool(brn.is_valid(value)),
        _BRN,
        near=0.85,
        alone=0.61,
    ),
    digits(
        "KR_DRIVER_LICENSE", r"(?:1[1-9]|2[0-68])-?[0-9]{2}-?[0-9]{6}-?[0-9]{2}", anything, _KR_DL, near=0.8, alone=0.56
    ),
    letters(
        "KR_PASSPORT", r"[MSRODG](?:[0-9]{8}|[0-9]{3}[A-Z][0-9]{4})", anything, _KR_PASSPORT, near=0.66, alone=0.54
    ),
    digits(
        "TH_TNIN",
        r"[1-8](?P<sep>[ \-]?)[0-9]{4}(?P=sep)[0-9]{5}(?P=sep)[0-9]{2}(?P=sep)[0-9]",
        pin.is_valid,
        _THAI,
        bare=0.4,
        near=0.95,
        alone=0.75,
    ),
    digits(
        "PH_TIN",
        r"[0-9]{3}-[0-9]{3}-[0-9]{3}-[0-9]{3,5}",
        _is_tin,
        _TIN,
        bare=0.55,
        near=0.9,
        alone=0.8,
        shapes=("000-000-000-000",),
    ),
    digits(
        "PH_TIN",
        r"[0-9]{3}-[0-9]{3}-[0-9]{3}|[0-9]{12}|[0-9]{9}",
        lambda value: _is_tin(value) and value.startswith("0"),
        _TIN,
        near=0.8,
        alone=0.53,
        shapes=("000-000-000", *unbroken(9, 12)),
    ),
    digits(
        "AU_ABN",
        r"[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}",
        abn.is_valid,
        _ABN,
        bare=0.6,
        near=0.95,
        alone=0.9,
        shapes=("00 000 000 000",),
    ),
    digits("AU_ABN", r"[0-9]{11}", abn.is_valid, _ABN, near=0.95, alone=0.69),
    digits("AU_ACN", r"[0-9]{3}(?P<sep>[ ]?)[0-9]{3}(?P=sep)[0-9]{3}", acn.is_valid, _ACN, near=0.9, alone=0.6),
    digits("AU_TFN", r"[0-9]{3} [0-9]{3} [0-9]{3}", tfn.is_valid, _TFN, bare=0.45, near=0.95, alone=0.75),
    digits("AU_TFN", r"[0-9]{8,9}", tfn.is_valid, _TFN, near=0.95, alone=0.66),
    digits(
        "AU_MEDICARE", r"[2-6][0-9]{3} ?[0-9]{5} ?[0-9](?:[ \-/]?[0-9])?", _is_medicare, _MEDICARE, near=0.95, alone=0.6
    ),
    letters(
        "CN_ID",
        r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]",
        _is_resident,
        _CHINA,
        bare=0.7,
        near=0.95,
        alone=0.9,
        shapes=("00000000000000000A", "<000000000000000000>"),
    ),
    digits(
        "CN_ID",
        r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{5}",
        _is_resident,
        _CHINA,
        bare=0.7,
        near=0.95,
        alone=0.9,
        shapes=("<000000000000000000>",),
    ),
    digits(
        "MY_NRIC",
        r"[0-9]{6}-[0-9]{2}-[0-9]{4}",
        lambda value: bool(nric.is_valid(value)),
        _MYKAD,
        bare=0.5,
        near=0.9,
        alone=0.8,
        shapes=("000000-00-0000",),
    ),
)
