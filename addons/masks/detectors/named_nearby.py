"""A random run right after a word that announces it, with no sign between: `pandadoc PRIVATE gHjr…`, `the key is … d3b0…`, `squarespace-secret-123e…`.

Weaker than an assignment (assigned.py), so the run must be longer and denser, and the word must stand next to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from addons.masks.detectors.kinds import Found
from addons.masks.detectors.plausible import entropy
from addons.masks.literals import AnyOf
from addons.masks.sight import BREAK, Sight

_BEFORE, _LONGEST = 64, 400
_LITERALS = AnyOf(
    (
        b"secret",
        b"token",
        b"key",
        b"access",
        b"private",
        b"pass",
        b"auth",
        b"api",
        b"credential",
        b"client",
        b"bearer",
    )
)
_ANNOUNCED = re.compile(
    r"(?ix)(?: (?<![a-z]) (?:secret|token|api|key|access|private|credential|pass(?:word|wd|code|phrase)|bearer|auth|client[_\- ]?(?:id|secret))"
    r"|(?-i: [a-z0-9](?:Secret|Token|Key|Access|Private|SECRET|TOKEN|KEY|ACCESS|PRIVATE) ) )"
    r"[\w\-]{0,20} (?:[\ \t]{1,3}(?:is|key|token|code|id|secret|of|for|called|named|value|bar))? [\s:=>\"'`,(|.\-]{1,12} $"
)
_INSIDE = re.compile(
    r"(?i)(?:^|[_\-/])(?:secret|token|key|access|private|pat|credential)(?:[_\-](?:key|token))?[_\-/](?P<value>[A-Za-z0-9+/=_\-]{16,})$"
)
_PADDING = re.compile(r"={0,2}")
_PARTS = re.compile(r"[_\-/]")
_LONG_PART, _SHORT_PART = 12, 4
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGEST_OF = re.compile(
    r"(?i)(?:sha|md5|hash|digest|commit|checksum|etag|integrity|revision|blob|tree|object|cache|public|primary|foreign|partition|sort|idempotency|request|trace|span|page|next|cursor|continuation|sync)[\w\- ]{0,16}[\s:=\"'`,(.\-]{0,8}$"
)


@dataclass(frozen=True, slots=True)
class Announced:
    """Looks back from every token run."""

    entities: frozenset[str] = frozenset({"SECRET"})
    confidence: float = 0.5

    def find(self, sight: Sight) -> Iterator[Found]:
        for start, end in sight.runs:
            left = max(0, start - _BEFORE)
            left = max(left, sight.text.rfind(BREAK, left, start) + 1)
            if end - start > _LONGEST or not _LITERALS.stands_in(sight.low[left:end]):
                continue
            run = sight.text[start:end]
            inside = _INSIDE.search(run) if _LITERALS.stands_in(sight.low[start:end]) else None
            padding = _PADDING.match(sight.text, end)
            closed = padding.end() if padding else end
            if inside and _is_dense(inside["value"], 20):
                yield Found(start + inside.start("value"), closed, "SECRET", self.confidence, inside["value"])
            elif _is_dense(run, 20) and self._is_announced(sight.text[left:start]):
                yield Found(start, closed, "SECRET", self.confidence, run)

    def _is_announced(self, before: str) -> bool:
        return _ANNOUNCED.search(before) is not None and not _DIGEST_OF.search(before)


def _is_dense(run: str, shortest: int) -> bool:
    """Many digits among letters and no words: `2024-10-22-preview-model` has digits too."""
    digits = sum(map(str.isdigit, run))
    letters = sum(map(str.isalpha, run))
    if len(run) < shortest or digits < max(3, len(run) // 16) or letters < 3:
        return False
    if _UUID.fullmatch(run):
        return True
    parts = list(map(len, _PARTS.split(run)))
    if max(parts) < _LONG_PART and min(parts) < _SHORT_PART:
        return False
    words = re.findall(r"[a-z]{5,}|[A-Z]{6,}", run)
    return entropy(run) >= 3.2 and sum(map(len, words)) * 2 <= len(run) * 1.5


DETECTOR = Announced()
