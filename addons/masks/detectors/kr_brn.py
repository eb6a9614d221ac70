"""Korea: business registration number. Source: National Tax Service."""

from __future__ import annotations

from stdnum.kr import brn

from addons.masks.detectors.kinds import digits, words

_BRN = words("사업자등록번호", "사업자번호", "brn", "business registration", "korean")
DETECTORS = (
    digits(
        "KR_BRN",
        r"[0-9]{3}-[0-9]{2}-[0-9]{5}|[0-9]{10}",
        lambda value: bool(brn.is_valid(value)),
        _BRN,
        near=0.85,
        alone=0.61,
    ),
)
