"""What every test of this room needs: a masker with made-up keys, and what a search finds in a text."""

import pytest

from addons.masks.detection import detect
from addons.masks.engine import Masker
from addons.masks.rules import Action, Rule
from addons.masks.spans import united

KEY, MEMO_KEY = b"k" * 32, b"m" * 32


@pytest.fixture
def scope():
    """scope(*rules, **more): a scoped masker; without rules everything is hashed."""

    def make(*rules, direction="request", groups=("engineering",), connection="openai", **more):
        masker = Masker(rules or (Rule("all", ("*",), Action.HASH),), KEY, MEMO_KEY, 1 << 20)
        return masker.scope(connection, groups, direction, **more)

    return make


@pytest.fixture
def found():
    """found(text): (entity, matched text) of every detection, overlaps united."""

    def search(text, name="", *, alone=True):
        return [(span.entity, text[span.start : span.end]) for span in united(detect(text, name, KEY, alone=alone))]

    return search


@pytest.fixture
def named():
    """named(entity, text): what was found under that name alone, whatever else the same characters may be."""

    def search(entity, text, name=""):
        spans = united(span for span in detect(text, name, KEY) if span.entity == entity)
        return [text[span.start : span.end] for span in spans]

    return search
