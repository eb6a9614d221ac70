"""Unbroken runs of token characters: where keys, hashes and base64 are, and hardly any prose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

RUN = 16  # the shortest run worth a look
_BLOB, _BLOB_END = 320, 64
_TOKEN_CLASS = bytes(
    ord("a") if code < 0x80 and (chr(code).isalnum() or chr(code) in "_-+/") else ord(" ") for code in range(256)
)
_NEEDLE = b"a" * RUN
_DIGIT = re.compile(r"[0-9]")
_NUMBERED_WORDS = re.compile(
    r"[_\-/]*+(?:(?:[A-Z]?[a-z]++|[A-Z]++|[0-9]{1,5}+)(?:[_\-/]++|$))*+"
)  # and their numbers: /orders/list_2/17
_TURN = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[a-z])")
_SEPARATOR = re.compile(r"[_\-/]")


def runs_of(text: str, raw: bytes) -> tuple[tuple[int, int], ...]:
    """Runs of at least RUN token characters that are more than words: with a digit, or with capitals among small letters as no name has them."""
    classes = raw.translate(_TOKEN_CLASS)
    if _NEEDLE not in classes:
        return ()
    found = _runs(classes)
    return tuple((start, end) for start, end in found if _more_than_words(text, start, end))


def ends_of(runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Of a blob only the ends: a key inside one would have no edge to be found by."""
    for start, end in runs:
        if end - start <= _BLOB:
            yield start, end
        else:
            yield start, start + _BLOB - _BLOB_END
            yield end - _BLOB_END, end


def _runs(classes: bytes) -> Iterator[tuple[int, int]]:
    start = classes.find(_NEEDLE)
    while start >= 0:
        end = classes.find(b" ", start + RUN)
        if end < 0:
            end = len(classes)
        yield start, end
        start = classes.find(_NEEDLE, end)


def _more_than_words(text: str, start: int, end: int) -> bool:
    """Not `some_long_identifier`, `/usr/share/doc` or a ruled line: they are four fifths of all runs in code."""
    if _DIGIT.search(text, start, end):
        return not _NUMBERED_WORDS.fullmatch(text, start, end)
    run = text[start:end]
    if _SEPARATOR.search(run) or run.islower():
        return False
    return end - start >= 24 or run.isupper() or len(_TURN.findall(run)) * 3 >= len(run)
