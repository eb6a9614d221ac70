"""The words of a text, for a first look at whether a context word can be among them. Not the look itself: kinds.py has that, with its distances."""

from __future__ import annotations

import regex

_WORD = regex.compile(r"[^\W\d_]+")
_LETTERS = bytes(ord(chr(code).lower()) if code < 0x80 and chr(code).isalpha() else ord(" ") for code in range(256))
_CAMEL = regex.compile(r"[a-z][A-Z]")
_PART = regex.compile(r"[^\W\d_A-Z]+|[A-Z]+(?=[A-Z][a-z])|[A-Z]+[^\W\d_A-Z]*")


def words_of(text: str) -> list[str]:
    """In small letters; camelCase both whole and in parts."""
    found: list[str] = (
        text.encode().translate(_LETTERS).decode().split() if text.isascii() else _WORD.findall(text.lower())
    )
    if not text.islower() and _CAMEL.search(text):
        found += [part.lower() for part in _PART.findall(text)]
    return found


def cue_of(name: str) -> str:
    """The word of a context word's first part without which it cannot stand in a text: `driver` of "driver's licence"."""
    return max(words_of(name.split(" ", maxsplit=1)[0]), key=len)


def in_any_number(cues: frozenset[str]) -> frozenset[str]:
    """With a plural s, as context words may have one."""
    return cues.union(cue + "s" for cue in cues)
