"""Private keys with their whole body: PEM, OpenSSH, PGP, PuTTY, age. Sources: RFC 7468, RFC 4880 6.2, RFC 4716, C2SP age.

A body that was cut off before its end line is masked as far as it reaches, at most 16 KB.
"""

from __future__ import annotations

import regex

from addons.masks.detectors.forms import Forms, form
from addons.masks.detectors.kinds import Anchored, exact

_BODY = r"[A-Za-z0-9+/=_\-\s\\:,.()@<>\"'#]"
_PEM = regex.compile(
    r"-{4,5} ?BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    rf"(?:[^-]|-(?!----)){{20,16384}}?-{{4,5}} ?END[ A-Z0-9]{{0,40}}PRIVATE KEY(?: BLOCK)? ?-{{4,5}}"
    rf"|-{{4,5}} ?BEGIN[ A-Z0-9]{{0,40}}PRIVATE KEY(?: BLOCK)? ?-{{4,5}}{_BODY}{{40,16384}}"
)
_PUTTY = regex.compile(
    r"PuTTY-User-Key-File-[23]:[^\x00]{0,16000}?Private-MAC: ?[0-9a-f]{40,64}|PuTTY-User-Key-File-[23]:[^\x00]{20,8000}"
)
_AT = regex.compile(r"(?<=---- ?)BEGIN")
_LETTERS = regex.compile(r"[A-Za-z0-9+/]")


def _has_body(value: str) -> bool:
    """Not the frame alone with `…` or `xxx` in it, as in documentation."""
    inner = regex.sub(r"-{4,5}[^-]{1,80}-{4,5}|\\[nr]", "", value)
    letters = "".join(_LETTERS.findall(inner))
    return len(letters) >= 20 and len(set(letters)) >= 10


DETECTORS = (
    Anchored(
        entity="PRIVATE_KEY",
        anchors=("begin",),
        at=_AT,
        pattern=_PEM,
        back=regex.compile(r"(?r)-{4,5} ?"),
        after=17000,
        valid=_has_body,
        canonical=exact,
        confidence=0.95,
    ),
    Anchored(
        entity="PRIVATE_KEY",
        anchors=("putty-user-key-file-",),
        pattern=_PUTTY,
        after=17000,
        canonical=exact,
        confidence=0.95,
    ),
    Forms(form("PRIVATE_KEY", "age", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}")),
)
