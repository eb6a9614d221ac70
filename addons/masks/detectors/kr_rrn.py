"""Korea: resident registration number. Source: MOIS."""

from __future__ import annotations

from datetime import date

from stdnum.kr import rrn

from addons.masks.detectors.kinds import digits, words

_RRN = words("주민등록번호", "주민번호", "rrn", "resident registration", "korean")


def _is_rrn(value: str) -> bool:
    try:
        date(2000, int(value[2:4]), int(value[4:6]))
    except ValueError:
        return False
    return value[6] in "1234" and (bool(rrn.is_valid(value)) or value[:2] >= "20")


DETECTORS = (
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
)
