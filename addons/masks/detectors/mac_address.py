"""Hardware address of a network card: six pairs with one separator, or three groups of four. Source: IEEE 802."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Pattern, compact
from addons.masks.sight import Where

_MAC = regex.compile(
    r"(?<![\w:.\-])(?:[0-9A-Fa-f]{2}(?P<sep>[:\-]))(?:[0-9A-Fa-f]{2}(?P=sep)){4}[0-9A-Fa-f]{2}(?![\w:]|[.\-]\w)"
    r"|(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w]|\.\w)"
)


def _is_mac(value: str) -> bool:
    digits = compact(value)
    return len(set(digits)) > 1 and not digits.isalpha()


DETECTORS = (
    Pattern(entity="MAC_ADDRESS", where=Where.COLONS, pattern=_MAC, valid=_is_mac, canonical=compact, confidence=0.65),
)
