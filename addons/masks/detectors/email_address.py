"""E-mail addresses. Sources: RFC 5321 4.1.2 and 4.5.3.1 (lengths), RFC 6531 (letters of other scripts)."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored

_PATTERN = regex.compile(
    r"(?<![\w.+\-])(?<value>\w(?:[\w.!#$&'*+=?^{|}~\-]{0,62}[\w!#$&*+=?^{|}~\-])?"
    r"@(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[A-Za-z0-9\-]{2,59}))(?![\w@]|-\w)"
)
_FILES = frozenset(
    "png jpg jpeg gif svg webp ico css js mjs jsx ts tsx map py rb go rs java md txt html json yaml yml toml lock sh service target".split(
        " "
    )
)


def _is_address(value: str) -> bool:
    """Not a picture for double resolution (`icon@2x.png`), and not the account that every git server has."""
    local, _, domain = value.partition("@")
    return domain.rpartition(".")[2].lower() not in _FILES and not (local == "git" and domain.count(".") == 1)


DETECTOR = Anchored(
    entity="EMAIL_ADDRESS",
    anchors=("@",),
    at=regex.compile(r"(?<=\w)@(?=\w)"),
    pattern=_PATTERN,
    before=66,
    after=260,
    valid=_is_address,
    canonical=str.lower,
    confidence=0.8,
)
