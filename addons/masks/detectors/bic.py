"""A bank's code, by the word before it. Source: ISO 9362."""

from __future__ import annotations

import regex
from stdnum import bic

from addons.masks.detectors.kinds import Anchored

DETECTORS = (
    Anchored(
        entity="BIC",
        anchors=("bic", "swift"),
        at=regex.compile(r"(?<![A-Za-z])(?i:bic|swift)(?![a-z])"),
        pattern=regex.compile(
            r"(?i:bic|swift)(?:[/ \-](?i:bic|swift))*(?:[ \-]?(?i:code|number)[ :=#]{1,3}|[ ]?[:=#][ ]?)(?P<value>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)(?![A-Za-z0-9])"
        ),
        after=60,
        valid=bic.is_valid,
        confidence=0.8,
    ),
)
