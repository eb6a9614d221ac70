"""Canonical JSON: the very bytes of RFC 8785, for the values that the room writes; everything else is refused or made storable."""

import json
import sqlite3

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from addons.evidence.canonical import RecordInvalid, canonical, checked, storable

KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_a_checked_value_is_canonical_too(value):
    plain = checked(value, "attrs")

    assert canonical(plain) == rfc8785.dumps(plain)


@given(st.text(st.characters()))  # surrogates and NUL among them
def test_a_storable_text_comes_back_whole_from_sqlite(text):
    kept = storable(text)

    with sqlite3.connect(":memory:") as connection:
        row = connection.execute("SELECT ?, length(?)", (kept, kept)).fetchone()
    connection.close()
    assert row == (kept, len(kept))
    assert storable(kept) == kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ä 😀", "plain ä 😀"),
        ("a\0b", "a\u2400b"),
        ("\ud83d\ude00", "😀"),
        ("a\ud83d", "a\ufffd"),
    ],
    ids=["plain", "nul", "pair", "half-a-pair"],
)
def test_what_no_reader_could_see_is_shown(text, expected):
    assert storable(text) == expected


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": {"b": [1, 0.5]}}, "attrs/a/b/1"),
        ({"n": 2**53}, "attrs/n"),
        ({"o": object()}, "attrs/o"),
        ({"b": b"bytes"}, "attrs/b"),
        ({"ä": 1}, "attrs"),
        ({1: 1}, "attrs"),
        ({"a\n": 1}, "attrs"),
    ],
    ids=["float", "large", "object", "bytes", "foreign-key", "number-key", "control-key"],
)
def test_a_value_that_json_would_bend_is_refused_by_its_place(value, place):
    with pytest.raises(RecordInvalid, match=f"^{place}: expected"):
        checked(value, "attrs")


def test_an_error_names_no_value():
    with pytest.raises(RecordInvalid) as caught:
        checked({"secret": 1234.5}, "meta")

    assert "1234" not in str(caught.value)


def test_tuples_and_mappings_become_lists_and_objects():
    assert json.loads(canonical(checked({"a": (1, "x")}, "attrs"))) == {"a": [1, "x"]}
