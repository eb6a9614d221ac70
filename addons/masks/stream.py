"""A block of a stream was assembled and masked as a whole; this maps the result back onto the pieces it came in. Not the live wire."""

from __future__ import annotations

from collections.abc import Sequence

from addons.masks.spans import Replacement


def remap(deltas: Sequence[str], spans: Sequence[Replacement]) -> tuple[str, ...]:
    """As many pieces as came. A token stands in the first piece its value touched; from the others the value's rest is gone.

    `spans` are replacements of "".join(deltas), in order, without overlaps.
    """
    pieces: list[str] = []
    index = begin = 0
    for delta in deltas:
        end = begin + len(delta)
        piece: list[str] = []
        position = begin
        while index < len(spans) and spans[index].start < end:
            span = spans[index]
            if span.start >= begin:
                piece += delta[position - begin : span.start - begin], span.text
            position = min(span.end, end)
            if span.end > end:
                break
            index += 1
        piece.append(delta[position - begin :])
        pieces.append("".join(piece))
        begin = end
    return tuple(pieces)
