"""United States: DEA registration of a prescriber. Source: DEA Form 224."""

from __future__ import annotations

from addons.masks.detectors.kinds import letters, words

_DEA = words(
    "dea", "medical license", "certificate", "prescriber", "physician", "license", "practitioner", "registration"
)


def _is_dea(value: str) -> bool:
    """The sum of the odd digits and twice that of the even ones ends in the last."""
    numbers = [int(letter) for letter in value[2:]]
    return (sum(numbers[0:6:2]) + 2 * sum(numbers[1:6:2])) % 10 == numbers[6]


DETECTORS = (
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
