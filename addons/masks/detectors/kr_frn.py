"""Korea: foreigner registration number. Source: Ministry of Justice."""

from __future__ import annotations

from datetime import date

from addons.masks.detectors.kinds import digits, words

_FRN = words("외국인등록번호", "frn", "foreigner registration", "alien registration")


def _is_foreign_rrn(value: str) -> bool:
    """As the resident's, with 5 to 8 as the seventh digit: those of 2020 and later carry no check digit."""
    try:
        date(2000, int(value[2:4]), int(value[4:6]))
    except ValueError:
        return False
    return value[6] in "5678"


DETECTORS = (
    digits(
        "KR_FRN", r"[0-9]{2}[01][0-9][0-3][0-9]-?[5-8][0-9]{6}", _is_foreign_rrn, _FRN, bare=0.3, near=0.9, alone=0.7
    ),
)
