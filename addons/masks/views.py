"""A text made from another one, and the way back. Not a codec: folding.py and escapes.py, encoded_words.py build views, detectors search them.

A view is made of stretches. In a stretch every character of the view stands for `step` characters of its parent; step 0 means that the
stretch as a whole stands for its piece of the parent (a base64 word: no part of it can be replaced alone).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class View:
    """`text` and, for each stretch of it: where it starts here, where it starts and ends in the parent, and its step."""

    text: str = field(repr=False)
    parent: View | None = field(default=None, repr=False)
    starts: list[int] = field(default_factory=list, repr=False)
    sources: list[int] = field(default_factory=list, repr=False)
    ends: list[int] = field(default_factory=list, repr=False)
    steps: list[int] = field(default_factory=list, repr=False)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The range of the outermost text that the view's characters from `start` to `end` stand for."""
        view = self
        while view.parent is not None:
            if view.starts:
                start, end = view._up(start, end)
            view = view.parent
        return start, end

    def _up(self, start: int, end: int) -> tuple[int, int]:
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1) - 1
        step = self.steps[first]
        left = self.sources[first] + (start - self.starts[first]) * step
        step = self.steps[last]
        right = self.sources[last] + (end - self.starts[last]) * step if step else self.ends[last]
        return left, right


class Builder:
    """Puts a view together, stretch by stretch."""

    def __init__(self, parent: View) -> None:
        self._parent = parent
        self._pieces: list[str] = []
        self._length = 0
        self._starts: list[int] = []
        self._sources: list[int] = []
        self._ends: list[int] = []
        self._steps: list[int] = []

    def add(self, piece: str, source: int, end: int, step: int = 1) -> None:
        """`piece` stands for the parent's characters from `source` to `end`, `step` of them for each of its own."""
        if piece:
            self._starts.append(self._length)
            self._sources.append(source)
            self._ends.append(end)
            self._steps.append(step)
            self._pieces.append(piece)
            self._length += len(piece)

    def copy(self, start: int, end: int) -> None:
        """The parent's own characters."""
        self.add(self._parent.text[start:end], start, end)

    def view(self) -> View:
        return View("".join(self._pieces), self._parent, self._starts, self._sources, self._ends, self._steps)
