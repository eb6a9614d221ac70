"""Japanese, Hong Kong, Taiwanese, Indonesian, Pakistani and New Zealand numbers. Sources: Digital Agency, Immigration Department, Ministry of the Interior, Dukcapil, NADRA, IRD."""

from __future__ import annotations

from stdnum.id import nik
from stdnum.jp import in_ as my_number
from stdnum.nz import ird
from stdnum.pk import cnic

from addons.masks.detectors.kinds import compact, digits, letters, words

_MY_NUMBER = words("my number", "individual number", "マイナンバー", "個人番号", "mynumber")
_HKID = words("hkid", "hong kong", "hk id", "identity card", "香港身份證", "身份證")
_TW = words("taiwan", "roc id", "national id", "身分證", "統一編號", "identity card")
_NIK = words("nik", "ktp", "kartu tanda penduduk", "e-ktp")
_CNIC = words("cnic", "nadra", "nic")
_IRD = words("ird", "ird number", "inland revenue", "tax number")


def _is_hong_kong(value: str) -> bool:
    """Letters count from 10, a missing first one is 36; weights 9 to 1; eleven divides the sum. A is ten."""
    bare = compact(value)
    numbers = [int(letter, 36) for letter in bare]
    weights = range(len(numbers), 0, -1)
    first = 36 * 9 if len(numbers) == 8 else 0
    return (first + sum(number * weight for number, weight in zip(numbers, weights, strict=True))) % 11 == 0


def _is_taiwanese(value: str) -> bool:
    """The letter stands for two digits; weights 1 9 8 7 6 5 4 3 2 1 1; ten divides the sum."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    numbers = (letter // 10, letter % 10, *map(int, value[1:]))
    return (
        sum(number * weight for number, weight in zip(numbers, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10
        == 0
    )


DETECTORS = (
    digits(
        "JP_MY_NUMBER", r"[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}", my_number.is_valid, _MY_NUMBER, near=0.95, alone=0.0
    ),
    letters("HK_ID", r"[A-Z]{1,2}[0-9]{6}\(?[0-9A]", _is_hong_kong, _HKID, near=0.9, alone=0.0),
    letters("TW_ID", r"[A-Z][1289][0-9]{8}", _is_taiwanese, _TW, near=0.9, alone=0.0),
    digits("ID_NIK", r"[1-9][0-9]{15}", nik.is_valid, _NIK, near=0.9, alone=0.0),
    digits("PK_CNIC", r"[1-7][0-9]{4}-?[0-9]{7}-?[0-9]", cnic.is_valid, _CNIC, near=0.9, alone=0.0),
    digits("NZ_IRD", r"[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}|[0-9]{7,8}-[0-9]", ird.is_valid, _IRD, near=0.9, alone=0.0),
)
