"""Text in, spans out: fold, find. Not what is done about them, and no memory of what was seen (engine.py has both)."""

from __future__ import annotations

from addons.masks.detectors import DETECTORS
from addons.masks.folding import folded
from addons.masks.placeholders import fingerprint, tail_of
from addons.masks.spans import Span
from addons.masks.views import View

WITHHELD = "WITHHELD"


class Undecided(Exception):  # noqa: N818 - it is a state of the text, not a mistake
    """The text could not be searched in the time allowed. Nothing of it may be shown."""


def detect(text: str, context: str, key: bytes) -> tuple[Span, ...]:
    """Every detection in the text, in no order, overlaps included."""
    view = folded(View(text))
    spans = []
    for detector in DETECTORS:
        for start, end in detector.find(view.text, context):
            value = detector.canonical(view.text[start:end])
            left, right = view.source(start, end)
            spans.append(
                Span(left, right, detector.entity, detector.confidence, fingerprint(key, value), tail_of(value))
            )
    return tuple(spans)
