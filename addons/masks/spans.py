"""Where sensitive values lie in a text. Not what is done about them (engine.py), and never the values themselves.

A span names a half-open range of code points. Overlapping spans become one; replacements are made in a single pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """One detection. `digest` is a keyed fingerprint of the canonical value; `tail` its last few characters."""

    start: int
    end: int
    entity: str
    confidence: float  # 0 to 1; decides which entity names a union
    digest: str = field(
        default="", repr=False
    )  # 16 letters; the same value gives the same digest however it was encoded
    tail: str = field(default="", repr=False)  # what a `partial` placeholder may show
    quote: str = ""  # stands around the replacement, where the range is a JSON number


@dataclass(frozen=True, slots=True)
class Replacement:
    """`text` takes the place of the source's characters from `start` to `end`."""

    start: int
    end: int
    text: str


def united(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Overlapping spans as one, in order. The surest names it; among equals the longest, then the first by name."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = _union(merged[-1], span)
        else:
            merged.append(span)
    return tuple(merged)


def _union(left: Span, right: Span) -> Span:
    """The digest survives only where one of the two is the whole: a union of parts is a value of its own."""
    start, end = min(left.start, right.start), max(left.end, right.end)
    name = max(left, right, key=_rank)
    whole = [span for span in (name, left, right) if (span.start, span.end) == (start, end) and span.digest]
    digest, tail = (whole[0].digest, whole[0].tail) if whole else ("", "")
    return Span(start, end, name.entity, name.confidence, digest, tail, left.quote or right.quote)


def _rank(span: Span) -> tuple[float, int, str]:
    return span.confidence, span.end - span.start, span.entity


def replaced(text: str, replacements: Sequence[Replacement]) -> str:
    """The text with each range replaced; the ranges are in order and do not overlap."""
    pieces: list[str] = []
    position = 0
    for one in replacements:
        pieces += text[position : one.start], one.text
        position = one.end
    pieces.append(text[position:])
    return "".join(pieces)
