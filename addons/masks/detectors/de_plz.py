"""Germany: postal code, by the word before it."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored


def _is_postal(value: str) -> bool:
    return "01001" <= value <= "99998"


DETECTORS = (
    Anchored(
        entity="DE_PLZ",
        anchors=("PLZ", "ostleitzahl"),
        pattern=regex.compile(
            r"(?i)(?:plz|postleitzahl)(?:[ \t]*(?:ist|lautet|is))?[\"' \t:=\-]{0,5}(?P<value>[0-9]{5})(?![0-9])"
        ),
        back=regex.compile(r"(?ri)p?"),
        after=24,
        valid=_is_postal,
        confidence=0.6,
    ),
)
