"""The shapes of a pattern: of every text that it matches one is in it. All patterns of the detectors are asked in test_masks_skipping.py."""

import pytest

from addons.masks.detectors.shapes import shapes_of, unbroken

SIMPLE = {
    r"[0-9]{9}": ("<000000000>",),
    r"\b(?<![0-9][.])(?:[0-9]{3,4})\b(?![0-9])": ("<000>", "<0000>"),
    r"[0-9]{3}-[0-9]{2}|[0-9]{5}": ("<00000>", "000_00"),
    r"[0-9]{4} ?[0-9]{2}": ("<000000>", "0000_00"),
    r"[1-9](?P<sep>[ \-]?)[0-9]{2}(?P=sep)[0-9]": ("<0000>", "000_0", "0_000", "0_00_0"),
    r"[A-Z]{2}(?:0[1-9]|1[0-2])": ("AA00",),
    r"[A-Z]{1,2}[0-9]{3}": ("A000",),  # the longer one holds the shorter
    r"[A-Z][0-9A-Z]{3} ?[0-9]": ("****_*", "*****"),
}
NOT_SIMPLE = (
    r"[0-9]+",
    r"(?:[ .]?[0-9]){6,14}",
    r"\w{3}",
    r"[^a]",
    r"(?:[0-9]{1,20} ?){1,2}",
    r"(?:[0-9]-?){9}",
    r"[0-9]{2,30}[A-Z]{1,9}[0-9]{1,9}",
    r"",
)


@pytest.mark.parametrize("pattern", SIMPLE)
def test_the_shapes_of_a_simple_pattern(pattern):
    assert sorted(shapes_of(pattern)) == sorted(SIMPLE[pattern])


@pytest.mark.parametrize("pattern", NOT_SIMPLE)
def test_of_any_other_nothing_is_said(pattern):
    assert shapes_of(pattern) == ()


def test_a_run_has_edges():
    assert unbroken(3, 5) == ("<000>", "<00000>")
