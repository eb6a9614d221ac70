"""Where the history stands in a body's bytes: found whatever stands around it, or not at all."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.providers.history import KEYS, Beginnings, Place, place_of, without

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | TEXT
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=12
)
AROUND = st.dictionaries(TEXT.filter(lambda key: key not in KEYS), VALUES, max_size=3)
LAYOUT = st.sampled_from((0, orjson.OPT_INDENT_2))


@given(before=AROUND, entries=st.lists(VALUES, min_size=1, max_size=5), behind=AROUND, layout=LAYOUT)
def test_what_is_left_of_a_body_without_its_first_entries_is_the_body_of_the_others(before, entries, behind, layout):
    behind = {key: value for key, value in behind.items() if key not in before}
    bodies = [
        orjson.dumps({**before, "messages": entries[:count], **behind}, option=layout)
        for count in range(1, len(entries) + 1)
    ]

    places = [place_of(body) for body in bodies]

    assert [place and place.entries for place in places] == list(range(1, len(entries) + 1))
    for count, place in enumerate(places, 1):
        assert place
        left = without(bodies[-1], place.begin, place.end)
        if bodies[-1].startswith(bodies[count - 1][: place.end]) and bodies[-1][place.end :].lstrip()[:1] in b",]":
            assert orjson.loads(left) == {**before, "messages": entries[count:], **behind}


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[],"a":1}',
        b'{"messages":[1,2],"input":[3]}',
        b'{"messages":[1,2],"messages":[3]}',
        b'{"messages":[1,2],"mess\\u0061ges":[3]}',
        b'{"messages":[1,2],"messages":"x"}',
        b'{"messages":"x","input":[1]}',
        b'{"x":{"messages":[1]}}',
        b'{"a":"messages","b":[1]}',
        b'[["messages",[1]]]',
        b'{"messages":{"a":[1]}}',
        b"",
        b'"',
        b"]]]]",
    ],
    ids=lambda body: body.decode() or "nothing",
)
def test_no_list_or_more_than_one_is_no_place(body):
    assert place_of(body) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(body):
    assert place_of(body) is None or isinstance(place_of(body), Place)


def beginnings_after(body: bytes) -> Beginnings:
    kept = Beginnings(b"key")
    place = place_of(body)
    assert place
    kept.add("alice", kept.read("alice", body), place, "state")
    return kept


BODY = b'{"messages":["' + b"x" * 100 + b'","second"],"n":1}'


def test_a_body_that_goes_on_is_known_up_to_there():
    reading = beginnings_after(BODY).read("alice", BODY.replace(b'"second"]', b'"second","third"]'))

    assert reading.known
    assert reading.known.state == "state"
    assert reading.rest == b'{"messages":["third"],"n":1}'


@pytest.mark.parametrize(
    ("scope", "body"),
    [
        ("bob", BODY),
        ("alice", BODY.replace(b"xx", b"xy", 1)),
        ("alice", BODY[:50]),
        ("alice", BODY.replace(b"second", b"Second")),
        ("alice", b" " + BODY),
    ],
    ids=["another person", "another beginning", "shorter", "another last entry", "moved by a byte"],
)
def test_anything_else_is_not(scope, body):
    assert beginnings_after(BODY).read(scope, body).known is None
