"""Spans in a text that is JSON, fitted to its strings and numbers, so that valid JSON stays valid JSON. Not a parser of values (walk.py has those).

A placeholder may stand inside a string; a number it replaces as a whole, with quotes; everything else (brackets, commas, `true`) stays.
Source: RFC 8259.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson
import regex

from addons.masks.spans import Span

_LEAF = regex.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"|-?[0-9][0-9.eE+\-]*')


def fitted(text: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The same spans where the text is not JSON."""
    if not spans or not is_json(text):
        return spans
    ordered = sorted(spans, key=lambda span: span.start)
    return tuple(_fit(text, ordered))


def is_json(text: str) -> bool:
    """An object or an array, whole and valid."""
    if text[:1] not in "{[ \t\r\n" or text.strip()[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _fit(text: str, spans: list[Span]) -> Iterator[Span]:
    waiting = iter(spans)
    open_spans: list[Span] = []
    coming = next(waiting, None)
    for leaf in _LEAF.finditer(text):
        while coming and coming.start < leaf.end():
            open_spans.append(coming)
            coming = next(waiting, None)
        if open_spans:
            yield from _within(text, leaf, open_spans)
            open_spans = [span for span in open_spans if span.end > leaf.end()]
        elif coming is None:
            return


def _within(text: str, leaf: regex.Match[str], spans: Iterable[Span]) -> Iterator[Span]:
    is_string = leaf[1] is not None
    left, right = leaf.span(1) if is_string else leaf.span()
    for span in spans:
        start, end = max(span.start, left), min(span.end, right)
        if start >= end:
            continue
        if not is_string:
            yield replace(span, start=left, end=right, number=True)
        else:
            inside = replace(span, start=start, end=end)
            yield _whole_escapes(text, left, inside) if "\\" in leaf[1] else inside


def _whole_escapes(text: str, left: int, span: Span) -> Span:
    """A span does not cut an escape in two: half of `\\"` would close the string."""
    start, end = _escape_at(text, left, span.start), _escape_at(text, left, span.end)
    return replace(span, start=start[0] if start else span.start, end=end[1] if end else span.end)


def _escape_at(text: str, left: int, position: int) -> tuple[int, int] | None:
    """The escape that `position` lies inside, neither before nor after it."""
    last = text.rfind("\\", max(left, position - 6), position)
    first = last
    while first >= left and text[first] == "\\":
        first -= 1
    if (last - first) % 2 == 0:
        return None
    end = last + (6 if text[last + 1] == "u" else 2)
    return (last, end) if position < end else None
