"""Text of strangers, shown as what it is: control characters and bidirectional overrides as pictures. Not escaping for HTML.

A name must not be able to turn the line that it stands in, nor a prompt to drive a terminal (CWE-150).
"""

from __future__ import annotations

import re
import unicodedata

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_KEPT = re.compile(r"[\n\t]")


def plain_line(text: str) -> str:
    return _UNSAFE.sub(_picture, text)


def plain_text(text: str) -> str:
    """The same over several lines: line breaks and tabs stay."""
    return _UNSAFE.sub(lambda match: match.group() if _KEPT.match(match.group()) else _picture(match), text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else f"<{unicodedata.name(match.group(), f'U+{code:04X}')}>"
