"""Where a rule applies: JSON paths against the places of hits. Not a query language: names, indexes, `*` and `..` only. Source: RFC 9535, a subset; RFC 6901.

$.metadata.user_id      /metadata/user_id and all below it
$.messages[*].name      /messages/3/name
$..ssn                  /a/b/ssn, at any depth
header:x-note           that header; query:user   that parameter
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex

_STEP = regex.compile(r"(\.\.)?(?:\.?([A-Za-z_][\w\-]*|\*)|\[(?:'([^']{1,100})'|\"([^\"]{1,100})\"|([0-9]{1,6}|\*))\])")
_ELSEWHERE = regex.compile(r"(?:header|query):[!-~]{1,100}|path")
ANY, DEEP = "*", ".."


@dataclass(frozen=True, slots=True)
class Place:
    """One path of a rule."""

    text: str
    steps: tuple[str, ...]

    def covers(self, location: str) -> bool:
        """Whether the hit lies in this place, or in something below it."""
        if not location.startswith("/"):
            return location == self.text or (not location and not self.steps)
        return _fits(self.steps, tuple(location[1:].replace("~1", "/").replace("~0", "~").split("/")))


def place(text: str) -> Place | None:
    """None where it is no path of the subset."""
    if _ELSEWHERE.fullmatch(text):
        return Place(text.lower() if text.startswith("header:") else text, ())
    if not text.startswith("$"):
        return None
    steps: list[str] = []
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            return None
        steps += [DEEP] if step[1] else []
        steps.append(next(group for group in step.groups()[1:] if group is not None))
        position = step.end()
    return Place(text, tuple(steps))


@lru_cache(10_000)
def _fits(steps: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    if not steps:
        return True
    if steps[0] == DEEP:
        return any(_fits(steps[1:], keys[skipped:]) for skipped in range(len(keys)))
    return bool(keys) and steps[0] in (ANY, keys[0]) and _fits(steps[1:], keys[1:])
