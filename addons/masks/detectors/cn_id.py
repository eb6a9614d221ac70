"""China: resident identity number. Source: GB 11643."""

from __future__ import annotations

from stdnum.cn import ric

from addons.masks.detectors.kinds import digits, letters, words

_CHINA = words("身份证", "身份证号", "公民身份号码", "id card", "identity card", "chinese id")


def _is_resident(value: str) -> bool:
    """The library's own look for the county fails where a province has none of that number."""
    try:
        return bool(ric.is_valid(value))
    except KeyError:
        return False


DETECTORS = (
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
)
