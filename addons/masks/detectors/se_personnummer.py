"""Sweden: personnummer and samordningsnummer. Source: Skatteverket."""

from __future__ import annotations

from datetime import date

from stdnum import luhn

from addons.masks.detectors.fi_personal_identity_code import before_letters
from addons.masks.detectors.kinds import Pattern, words
from addons.masks.sight import Where

_SE = words(
    "personnummer",
    "pnr",
    "svenskt personnummer",
    "swedish",
    "samordningsnummer",
    "personal identity",
    "svensk",
    "personal id",
    "person number",
)


def _is_personnummer(value: str) -> bool:
    """A date (day plus 60 in coordination numbers), three digits, and Luhn over the last ten."""
    short = value[-10:]
    century = int(value[:2]) if len(value) == 12 else None
    day = int(short[4:6])
    if not luhn.is_valid(short) or (century is not None and century not in (18, 19, 20)):
        return False
    try:
        date(int(value[:4]) if century else 2000 + int(short[:2]), int(short[2:4]), day - 60 if day > 60 else day)
    except ValueError:
        return False
    return True


DETECTORS = (
    Pattern(
        entity="SE_PERSONNUMMER",
        where=Where.NUMBERS,
        shapes=("000000-0000", "000000+0000"),
        pattern=before_letters(r"(?:18|19|20)?[0-9]{2}[01][0-9][0-9]{2}[\-+][0-9]{4}"),
        valid=_is_personnummer,
        confidence=0.6,
        context=_SE,
        with_context=0.95,
        alone=0.9,
    ),
    Pattern(
        entity="SE_PERSONNUMMER",
        where=Where.NUMBERS,
        pattern=before_letters(r"(?:18|19|20)[0-9]{2}[01][0-9][0-9]{6}"),
        valid=_is_personnummer,
        confidence=0.45,
        context=_SE,
        with_context=0.95,
        alone=0.9,
    ),
    Pattern(
        entity="SE_PERSONNUMMER",
        where=Where.NUMBERS,
        pattern=before_letters(r"[0-9]{2}[01][0-9]{7}"),
        valid=_is_personnummer,
        confidence=0.1,
        context=_SE,
        with_context=0.9,
        alone=0.74,
    ),
)
