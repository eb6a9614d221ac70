"""E-mail addresses. Sources: RFC 5321 4.1.2 and 4.5.3.1 (lengths), RFC 6531 (letters of other scripts)."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored

_ENDINGS = "png|jpe?g|gif|svg|webp|ico|css|[mc]?js|jsx|tsx?|map|py|rb|go|rs|java|md|txt|html?|json|ya?ml|toml|lock|sh|service|target|csv|pdf|docx?|xlsx?|zip"
_LOCAL = r"\w(?:[\w.!#$&'*+=?^{|}~\-]{0,62}[\w!#$&*+=?^{|}~\-])?"
_LABEL = r"[^\W_](?:[\w\-]{0,61}[^\W_])?"
_LAST = rf"(?!(?i:{_ENDINGS})(?![\w\-]))(?:xn--[A-Za-z0-9\-]{{2,59}}|[^\W\d_]{{2,24}})"
_PATTERN = regex.compile(rf"[.!#$&'*+=?^{{|}}~\-]{{0,20}}(?P<value>{_LOCAL}@(?:{_LABEL}\.){{1,8}}{_LAST})(?![\w@]|-\w)")
_BACK = regex.compile(r"(?r)(?<![\w.!#$&'*+=?^{|}~\-])[\w.!#$&'*+=?^{|}~\-]{1,64}|(?r)[\w.+\-]{1,64}")
_AT = regex.compile(r"(?<=\w)@(?=\w)")


def _is_address(value: str) -> bool:
    """Not the account that every git server has."""
    return not (value.startswith("git@") and value.count(".") == 1)


DETECTOR = Anchored(
    entity="EMAIL_ADDRESS",
    anchors=("@",),
    at=_AT,
    pattern=_PATTERN,
    back=_BACK,
    after=260,
    valid=_is_address,
    canonical=str.lower,
    confidence=0.8,
)
