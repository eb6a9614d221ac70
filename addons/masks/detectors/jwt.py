"""JSON Web Tokens, signed or encrypted: `eyJ` is `{"` in base64url. Sources: RFC 7515 7.1, RFC 7516 7.1."""

from __future__ import annotations

import regex

from addons.masks.detectors.forms import Forms, form
from addons.masks.detectors.kinds import Anchored, exact

_P = r"[A-Za-z0-9_\-]"
_SIGNED = regex.compile(rf"(?<![A-Za-z0-9])eyJ{_P}{{8,2000}}+\.eyJ{_P}{{4,8000}}+(?:\.{_P}{{0,2000}})?")
_ENCRYPTED = regex.compile(
    rf"(?<![A-Za-z0-9])eyJ{_P}{{8,2000}}+\.{_P}{{0,2000}}+\.{_P}{{8,100}}+\.{_P}{{8,16000}}+\.{_P}{{8,100}}"
)
_AT = regex.compile("(?<![A-Za-z0-9])eyJ")
DETECTORS = (
    Anchored(entity="JWT", anchors=("eyj",), at=_AT, pattern=_SIGNED, after=12100, canonical=exact, confidence=0.9),
    Anchored(
        entity="JWT",
        anchors=("eyj",),
        at=_AT,
        pattern=_ENCRYPTED,
        after=20400,
        canonical=exact,
        confidence=0.9,
    ),
    Forms(form("JWT", "in base64 once more", "ZXlK", r"ZXlK[A-Za-z0-9+/]{40,600}={0,2}")),
)
