"""Finland: henkilötunnus. Source: DVV."""

from __future__ import annotations

import regex
from stdnum.fi import hetu

from addons.masks.detectors.kinds import Pattern, words
from addons.masks.sight import Where

_FI = words("hetu", "henkilötunnus", "personbeteckningen", "personal identity code", "finnish", "henkilötunnu")


def before_letters(shape: str) -> regex.Pattern[str]:
    """Letters may stand before it (`is030594W903B`), digits may not."""
    return regex.compile(rf"(?<![0-9])(?<![0-9][.\-])(?:{shape})(?![A-Za-z0-9])(?![.\-][0-9])", regex.IGNORECASE)


DETECTORS = tuple(
    Pattern(
        entity="FI_PERSONAL_IDENTITY_CODE",
        where=where,
        shapes=("000000A000", "000000-000", "000000+000"),
        pattern=before_letters(r"[0-3][0-9][01][0-9]{3}[+\-A-FYXWVU][0-9]{3}[0-9A-FHJ-NPR-Y]"),
        valid=lambda value: bool(hetu.is_valid(value, allow_temporary=True)),
        canonical=str.upper,
        confidence=0.7,
        context=_FI,
        with_context=0.95,
        alone=0.9,
    )
    for where in (Where.CAPITALS, Where.NUMBERS)
)
