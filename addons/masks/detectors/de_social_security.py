"""Germany: Rentenversicherungsnummer. Source: DRV, VKVV 4."""

from __future__ import annotations

from addons.masks.detectors.kinds import letters, words

_SOCIAL = words(
    "sozialversicherung",
    "sozialversicherungsnummer",
    "rentenversicherung",
    "rentenversicherungsnummer",
    "versicherungsnummer",
    "svnr",
    "rvnr",
    "sv-nummer",
)


def cross_sum(numbers: list[int]) -> int:
    return sum(number // 10 + number % 10 for number in numbers)


def _is_social(value: str) -> bool:
    """The letter counts as two digits; every second digit doubled or more, cross sums added. VKVV 4."""
    plain = value[:8] + f"{ord(value[8]) - 64:02d}" + value[9:]
    factors = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    return cross_sum([int(digit) * factor for digit, factor in zip(plain, factors, strict=False)]) % 10 == int(
        value[-1]
    )


DETECTORS = (
    letters(
        "DE_SOCIAL_SECURITY",
        r"[0-9]{2} ?[0-3][0-9][01][0-9][0-9]{2} ?[A-Z] ?[0-9]{3}",
        _is_social,
        _SOCIAL,
        bare=0.6,
        near=0.9,
        alone=0.8,
        shapes=("000000A000", "000000A 000", "000000 A000", "000000 A 000"),
    ),
)
