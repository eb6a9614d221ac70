r"""What a text must look like for a simple pattern to match it, so that hardly a pattern is tried in vain. Not the pattern's meaning: a text of the shape may still not match.

    0  a digit      A  a letter      *  either      _  one separator      <000>  a run of three digits and no more

Simple is: classes and literals, counted or optional, separators, groups of alternatives, what looks ahead or behind; no nested counts, no `\w`.
"""

from __future__ import annotations

import re
from itertools import product

_ITEM = re.compile(
    r"(?P<looks>\\b|\(\?<?[=!][^()]*\))|(?P<again>\(\?P=\w+\))|(?P<group>\((?:\?:|\?P<\w+>)?)"
    r"|(?:(?P<sort>\[[^\]\\]*(?:\\.[^\]\\]*)*\]|\\.|[A-Za-z0-9 \-/:_])(?:\{(?P<least>[0-9]+)(?:,(?P<most>[0-9]+))?\}|(?P<optional>\?))?)"
)
_SEPARATORS = frozenset(" .-/:_()")
_MOST, _MOST_ON_THE_WAY = 40, 2000  # shapes; a pattern of more is tried wherever its words stand


class _TooComplex(Exception):  # noqa: N818 - it is a kind of pattern, not a mistake
    pass


def unbroken(*lengths: int) -> tuple[str, ...]:
    """The shapes of a number of digits alone, of one of these lengths."""
    return tuple(f"<{'0' * length}>" for length in lengths)


def shapes_of(pattern: str) -> tuple[str, ...]:
    """One of these is in any text that the pattern matches with no digit before and behind; () where the pattern is not simple enough to tell."""
    try:
        ways, end = _alternatives(pattern, 0)
    except _TooComplex:
        return ()
    runs = sorted(len(way) for way in ways if not way.strip("0"))
    others = {_one_kind(way.strip("_")) for way in ways if way.strip("0")}
    least = sorted(one for one in others if not any(other in one for other in others - {one}))
    found = (*unbroken(*runs), *least)
    return found if end == len(pattern) and len(found) <= _MOST and all(least) and 0 not in runs else ()


def _one_kind(way: str) -> str:
    """Where a letter may be a digit, the digits are looked for as letters too."""
    return way.replace("0", "*").replace("A", "*") if "*" in way else way


def _alternatives(pattern: str, at: int) -> tuple[set[str], int]:
    """The ways of what stands from a place on, to the end or the bracket that closes it, and where that is."""
    ways: set[str] = set()
    row = {""}
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            ways, row, at = ways | row, {""}, at + 1
            continue
        choices, at = _item(pattern, at)
        row = {left + right for left, right in product(row, choices)}
        if len(row) > _MOST_ON_THE_WAY:
            raise _TooComplex
    return ways | row, at


def _item(pattern: str, at: int) -> tuple[set[str], int]:
    found = _ITEM.match(pattern, at)
    if not found:
        raise _TooComplex
    end = found.end()
    if found["looks"]:
        return {""}, end
    if found["again"]:  # of a separator: what it was there is not known here
        return {"", "_"}, end
    if found["group"]:
        ways, end = _alternatives(pattern, end)
        optional = pattern[end + 1 : end + 2] == "?"
        if pattern[end + 1 : end + 2] in {"{", "*", "+"}:
            raise _TooComplex
        return ways | {""} if optional else ways, end + 1 + optional
    if pattern[end : end + 1] in {"*", "+"}:
        raise _TooComplex
    least = 0 if found["optional"] else int(found["least"] or 1)
    return {_sort(found["sort"]) * count for count in range(least, int(found["most"] or max(least, 1)) + 1)}, end


def _sort(sort: str) -> str:
    if sort in ("\\w", "\\s", "\\b", "\\S", "\\W", "\\D") or sort.startswith("[^"):
        raise _TooComplex
    members = sort.strip("[]").replace("\\d", "0").replace("\\", "")
    kinds = {
        "_" if one in _SEPARATORS else "0" if one.isdigit() else "A" if one.isalpha() else "?"
        for one in re.sub(r"(?<=\w)-(?=\w)", "", members)
    }
    if kinds <= {"0", "A"}:
        return "*" if len(kinds) > 1 else kinds.pop()
    if kinds == {"_"}:
        return "_"
    raise _TooComplex
