"""Germany: Reisepass. Source: ICAO 9303."""

from __future__ import annotations

from addons.masks.detectors.kinds import letters, words

_PASSPORT = words("reisepass", "pass", "passnummer", "reisepassnummer", "passport", "pass-nr")
WEIGHTS = (7, 3, 1)


def icao(value: str) -> bool:
    """The last digit is the sum of the others (letters from A = 10) weighted 7, 3, 1."""
    total = sum(int(letter, 36) * WEIGHTS[index % 3] for index, letter in enumerate(value[:-1]))
    return value[-1].isdigit() and total % 10 == int(value[-1])


C = "CFGHJKLMNPRTVWXYZ"
DETECTORS = (
    letters(
        "DE_PASSPORT",
        rf"[{C}][{C}0-9]{{8}}[0-9]?",
        lambda value: icao(value[:10]) if len(value) == 10 else True,
        _PASSPORT,
        near=0.67,
        alone=0.51,
    ),
)
