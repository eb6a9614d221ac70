"""What must hold for any text: masking twice is masking once, JSON stays JSON, a stream may be cut anywhere."""

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addons.masks.detection import detect
from addons.masks.engine import Masker
from addons.masks.rules import Action, Rule
from addons.masks.spans import Replacement, replaced, united
from addons.masks.stream import remap

SCOPES = {
    action: Masker((Rule("all", ("*",), action),), b"k" * 32, b"m" * 32, 1 << 20).scope("c", (), "request")
    for action in (Action.HASH, Action.REDACT, Action.PARTIAL)
}
VALUES = (
    "4111 1111 1111 1111", "5500005555555559", "078-05-1123", "GB29 NWBK 6016 1331 9268 19", "jane.doe@example.com", "+1 212-555-2368",
    "203.0.114.77", "401 023 2137", "sk-proj-Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH", "AKIA3TPQ7XJ5WZK2M4NB",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "afd_Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH_-1", "password=Tr0ub4dor&3x", 'api_key: "q8Jx2LmP0vTz4RwY7"', "postgres://app:s3cr3t!@db/x",
    "Authorization: Bearer q8Jx2LmP0vTz4RwY7aBcD", "MDc4LTA1LTExMjM=", "NDExMSAxMTExIDExMTEgMTExMQ==", "%34111%20111111111111", "\\u0034111111111111111",
)  # fmt: skip
GLUE = (
    "",
    " ",
    ", ",
    "\n",
    "=",
    ":",
    '"',
    "password=",
    '{"a":"',
    '"}',
    "[",
    "card ",
    "\\n",
    "x",
    "1",
    "-",
    "@",
    "&",
    "/",
    "\u200b",
    "[US_SSN]",
    "[EMAIL_ADDRESS:..abcd]",
)
PIECES = st.lists(st.one_of(st.sampled_from(VALUES), st.sampled_from(GLUE), st.text(max_size=6)), max_size=7).map(
    "".join
)
NAMES = st.one_of(st.sampled_from(["text", "password", "ssn", "card", "token", "phone"]), PIECES)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.just(4111111111111111), st.floats(-1e9, 1e9), PIECES
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
LAW = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)


@LAW
@given(text=PIECES, action=st.sampled_from(sorted(SCOPES)))
def test_a_masked_text_masked_again_is_the_same(text, action):
    once = SCOPES[action].text(text).text

    assert SCOPES[action].text(once).text == once


@LAW
@given(value=JSON)
def test_a_masked_value_masked_again_is_the_same(value):
    once = SCOPES[Action.HASH].json(value).value

    assert SCOPES[Action.HASH].json(once).value == once


@LAW
@given(value=JSON, spaced=st.booleans(), escaped=st.booleans())
def test_valid_json_stays_valid_json(value, spaced, escaped):
    text = json.dumps([value], ensure_ascii=escaped, indent=1 if spaced else None)

    masked = json.loads(SCOPES[Action.HASH].text(text).text)

    assert shape(masked) == shape([value])


def shape(value):
    """Lists, mappings and what is neither text nor number stay what they are."""
    if isinstance(value, dict):
        return [shape(one) for one in value.values()] if len(value) != 1 else {"": shape(next(iter(value.values())))}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return value if isinstance(value, bool) or value is None else 0


@LAW
@given(value=JSON)
def test_no_pointer_or_repr_shows_what_was_masked(value):
    masked = SCOPES[Action.HASH].json({"k": value})

    assert not [hit for hit in masked.hits if "4111111111111111" in repr(hit) or "jane.doe@example.com" in repr(hit)]


@pytest.mark.parametrize("value", VALUES)
def test_every_two_way_split_gives_the_same_masked_text(value):
    text = f"before {value} after"
    whole = SCOPES[Action.HASH].text(text).text

    for cut in range(len(text) + 1):
        pieces = SCOPES[Action.HASH].deltas([text[:cut], text[cut:]]).deltas
        assert len(pieces) == 2
        assert "".join(pieces) == whole


@LAW
@given(text=PIECES, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_a_stream_may_be_cut_anywhere(text, cuts):
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    deltas = [text[left:right] for left, right in pairwise(places)]

    masked = SCOPES[Action.HASH].deltas(deltas)

    assert "".join(masked.deltas) == SCOPES[Action.HASH].text(text).text
    assert len(masked.deltas) == len(deltas)


@LAW
@given(text=st.text(max_size=40), data=st.data())
def test_remap_is_replacement_in_pieces(text, data):
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = [Replacement(left, right, "T") for left, right in zip(places[::2], places[1::2], strict=False)]
    cuts = sorted({0, len(text), *data.draw(st.sets(st.integers(0, len(text)), max_size=5))})
    deltas = [text[left:right] for left, right in pairwise(cuts)]

    assert "".join(remap(deltas, spans)) == replaced(text, spans) or not text


@LAW
@given(text=PIECES)
def test_spans_lie_in_the_text_and_do_not_overlap_once_united(text):
    spans = united(detect(text, "", b"k" * 32))

    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
