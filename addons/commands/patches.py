"""Files that a patch touches. Not the patch itself. Sources: the envelope of Codex's apply_patch; unified diff, POSIX diff -u; git."""

from __future__ import annotations

import re
from typing import Final

_ENVELOPE: Final = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): ([^\n]{1,4096})$", re.MULTILINE)
_UNIFIED: Final = re.compile(r"^(?:---|\+\+\+) ([^\n\t]{1,4096})", re.MULTILINE)
_GIT: Final = re.compile(r"^(?:rename (?:from|to)|copy (?:from|to)) ([^\n]{1,4096})$", re.MULTILINE)
_BEGIN: Final = "*** Begin Patch"


def is_patch(text: str) -> bool:
    return (
        _BEGIN in text
        or (text.startswith(("diff --git ", "--- ", "Index: ")) and "\n+++ " in text)
        or "\ndiff --git " in text
    )


def files_of(text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for match in _ENVELOPE.finditer(text):
        found[match[1].strip()] = None
    if not found:
        for match in _UNIFIED.finditer(text):
            path = match[1].strip()
            found[path[2:] if path.startswith(("a/", "b/")) else path] = None
        for match in _GIT.finditer(text):
            found[match[1].strip()] = None
    return tuple(path for path in found if path != "/dev/null")
