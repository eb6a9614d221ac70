"""Germany: Krankenversichertennummer. Source: SGB V 290."""

from __future__ import annotations

from addons.masks.detectors.de_social_security import cross_sum
from addons.masks.detectors.kinds import letters, words

_HEALTH = words(
    "krankenversicherung",
    "krankenversichertennummer",
    "kvnr",
    "krankenkasse",
    "versichertennummer",
    "egk",
    "health insurance",
)


def _is_health(value: str) -> bool:
    """A letter as two digits, then alternately once and twice, cross sums added."""
    plain = f"{ord(value[0]) - 64:02d}" + value[1:9]
    return cross_sum([int(digit) * (1 + index % 2) for index, digit in enumerate(plain)]) % 10 == int(value[9])


DETECTORS = (letters("DE_HEALTH_INSURANCE", r"[A-Z][0-9]{9}", _is_health, _HEALTH, bare=0.45, near=0.9, alone=0.65),)
