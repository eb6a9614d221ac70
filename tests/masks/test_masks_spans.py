"""Spans: their union, and replacement in one pass."""

import pytest

from addons.masks.spans import Replacement, Span, replaced, united


def test_overlapping_spans_are_one_named_by_the_surest():
    sure, other = Span(4, 12, "CREDIT_CARD", 0.9), Span(0, 6, "PHONE_NUMBER", 0.5)
    assert united([sure, other]) == (Span(0, 12, "CREDIT_CARD", 0.9),)


def test_touching_spans_stay_two():
    assert len(united([Span(0, 4, "US_SSN", 0.9), Span(4, 8, "US_SSN", 0.9)])) == 2


def test_the_longest_names_a_union_of_equals():
    assert united([Span(0, 4, "A", 0.5), Span(0, 9, "B", 0.5)])[0].entity == "B"


@pytest.mark.parametrize(("end", "digest"), [(9, "kqzbtfwmgxhdrncp"), (11, "")])
def test_a_digest_outlives_a_union_only_of_the_whole(end, digest):
    whole = Span(0, 9, "US_SSN", 0.9, "kqzbtfwmgxhdrncp", "1120")
    (one,) = united([whole, Span(3, end, "PHONE_NUMBER", 0.4)])
    assert (one.digest, one.tail) == (digest, "1120" if digest else "")


def test_a_chain_of_overlaps_is_one():
    assert united(Span(at, at + 3, "X", 0.5) for at in (4, 0, 2, 6)) == (Span(0, 9, "X", 0.5),)


def test_replacement_is_one_pass():
    text = "a card and a card"
    assert replaced(text, [Replacement(2, 6, "[CARD CARD]"), Replacement(13, 17, "[X]")]) == "a [CARD CARD] and a [X]"


def test_a_span_shows_neither_digest_nor_tail():
    assert "1120" not in repr(Span(0, 9, "US_SSN", 0.9, "kqzbtfwmgxhdrncp", "1120"))
