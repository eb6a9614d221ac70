"""Names on social networks, behind a word that says so: `I tweet at @john`. Not every `@`: decorators and packages begin with one too."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored

_PATTERN = regex.compile(
    r"(?i)(?<![a-z])(?:twitter|tweet(?:s|er|ers|ing|ed)?)(?![a-z])[^@\n]{0,40}(?<![\w@./])(?P<value>@[a-z_]\w{2,29})(?![\w@/]|\.\w)"
)


def _is_handle(value: str) -> bool:
    """The networks keep their own name and `admin` to themselves."""
    return not regex.search(r"(?i)twitter|admin", value)


DETECTOR = Anchored(
    entity="SOCIAL_HANDLE",
    anchors=("tweet", "twitter"),
    pattern=_PATTERN,
    after=80,
    valid=_is_handle,
    confidence=0.6,
)
