"""Germany: entry in the commercial register. Source: Handelsregisterverordnung."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored, words

_REGISTER = words(
    "handelsregister",
    "amtsgericht",
    "registergericht",
    "handelsregisternummer",
    "register",
    "eingetragen",
    "hra",
    "hrb",
)
DETECTORS = (
    Anchored(
        entity="DE_HANDELSREGISTER",
        anchors=("HRA", "HRB"),
        pattern=regex.compile(r"(?i)(?<![A-Za-z0-9])HR[AB] ?[0-9]{1,6}(?![A-Za-z0-9])"),
        after=8,
        confidence=0.6,
        context=_REGISTER,
        with_context=0.85,
    ),
)
