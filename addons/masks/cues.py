"""The words of a text, for a first look at whether a context word can be among them. Not the look itself: kinds.py has that, with its distances."""

from __future__ import annotations

import re

import regex

_WORD = regex.compile(r"[^\W\d_]+")
_LETTERS = bytes(code if code < 0x80 and chr(code).isalpha() else ord(" ") for code in range(256))
_CAMEL = re.compile(r"[a-z][A-Z]")
_PART = regex.compile(r"[^\W\d_A-Z]+|[A-Z]+(?=[A-Z][a-z])|[A-Z]+[^\W\d_A-Z]*")


def words_of(text: str) -> list[str]:
    """In small letters; camelCase both whole and in parts."""
    if not text.isascii():
        found: list[str] = _WORD.findall(text.lower())
        return found + ([part.lower() for part in _PART.findall(text)] if _CAMEL.search(text) else [])
    letters = text.encode().translate(_LETTERS).decode()
    found = letters.lower().split()
    if _CAMEL.search(letters):
        mixed = " ".join(word for word in letters.split() if not (word.islower() or word.istitle() or word.isupper()))
        found += _PART.sub(r"\g<0> ", mixed).lower().split()
    return found


def cue_of(name: str) -> str:
    """The word of a context word's first part without which it cannot stand in a text: `driver` of "driver's licence"."""
    return max(words_of(name.split(" ", maxsplit=1)[0]), key=len)


def in_any_number(cues: frozenset[str]) -> frozenset[str]:
    """With a plural s, as context words may have one."""
    return cues.union(cue + "s" for cue in cues)
