"""A text that is masked while it is still being said: the same as when it is said at once, whatever the pieces, and little of it held."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.masks.detectors import ENTITIES
from addons.masks.engine import Masker
from addons.masks.live import HELD, Both, LiveJson, LiveText, Restored
from addons.masks.rules import Action, Rule, Wire
from scripts.measuring.masking_encodings import VALUES
from tests.masks.conftest import KEY, MEMO_KEY

RULE = Rule("all", tuple(sorted(ENTITIES)), Action.HASH, Wire.BOTH)
SCOPE = Masker((RULE,), KEY, MEMO_KEY, 1 << 20).scope("openai", (), "response", wire=True)
WORDS = st.lists(
    st.sampled_from("the quick brown fox jumps over lazy dogs, near that river bank. While others wait?".split()),
    max_size=60,
).map(" ".join)
PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    + "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 20)
    + "\n-----END PRIVATE KEY-----"
)


def told(holder, pieces):
    """(what was shown, the most that was held)."""
    shown, said, most = "", 0, 0
    for piece in pieces:
        said += len(piece)
        shown += holder.feed(piece)
        most = max(most, len(getattr(holder, "_held", "")))
    return shown + holder.finish(), most


def cut(text, width):
    return [text[at : at + width] for at in range(0, len(text), width)]


@given(before=WORDS, value=st.sampled_from(sorted(VALUES.values())), after=WORDS, width=st.integers(1, 40))
def test_any_pieces_give_the_text_masked_at_once(before, value, after, width):
    text = f"{before} it is {value} so {after}"

    shown, most = told(LiveText(SCOPE.find), cut(text, width))

    assert shown == SCOPE.text(text).text
    assert most <= HELD


@given(before=WORDS, value=st.sampled_from(sorted(VALUES.values())), width=st.integers(1, 40))
def test_any_pieces_of_json_give_the_json_masked_at_once(before, value, width):
    text = json.dumps(
        {
            "note": f"{before} {value}",
            value: 1,
            "n": [4111111111111111, 2.5, True],
            "in": {"password": "hunter2xyz", "x": "y"},
        }
    )

    shown, _ = told(LiveJson(SCOPE.find), cut(text, width))

    assert json.loads(shown) == json.loads(SCOPE.document(text.encode(), "application/json").text)


def test_plain_words_are_shown_at_once():
    holder = LiveText(SCOPE.find)

    assert holder.feed("the quick brown ") == "the quick brown "


@pytest.mark.parametrize("width", [1, 7, 5000])
def test_a_private_key_is_held_to_its_end_and_is_one_placeholder(width):
    text = f"here it is:\n{PEM}\nso use it with care, please"

    shown, _ = told(LiveText(SCOPE.find), cut(text, width))

    assert shown == SCOPE.text(text).text
    assert shown.count("[PRIVATE_KEY:") == 1


@pytest.mark.parametrize(
    ("head", "end"), [("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----"), ("eyJhbGciOiJIUzI1NiJ9.", " ")]
)
def test_what_is_certain_and_longer_than_may_be_held_is_dropped_to_its_end(head, end):
    text = f"here {head}{'MIIEvQIBADANBgkqhkiG9w0B' * 900}{end}and after"

    shown, most = told(LiveText(SCOPE.find), cut(text, 100))

    assert ("MIIE" in shown, shown.endswith("and after"), shown.count("]")) == (False, True, 1)
    assert most <= 17 << 10


def test_a_long_text_of_signs_is_never_held_beyond_its_bound():
    text = "x=1; y[2] += f(3) # " * 400

    shown, most = told(LiveText(SCOPE.find), cut(text, 11))

    assert (shown, most <= HELD + 11) == (text, True)


TOKEN = "[EMAIL_ADDRESS:bcdfghjklmnpqrst]"


@pytest.mark.parametrize("width", range(1, 40))
def test_a_placeholder_cut_anywhere_becomes_the_value_again(width):
    said, _ = told(Restored({TOKEN: 'jane "j" doe'}), cut(f"write to {TOKEN}, not [EMAIL_ADDRESS:zzzz] or [1]", width))
    in_json, _ = told(Restored({TOKEN: 'jane "j" doe'}, in_json=True), cut(json.dumps({"to": TOKEN}), width))

    assert said == 'write to jane "j" doe, not [EMAIL_ADDRESS:zzzz] or [1]'
    assert json.loads(in_json) == {"to": 'jane "j" doe'}


def test_what_nobody_sent_stays_a_placeholder():
    assert told(Both(LiveText(SCOPE.find), Restored({})), [f"to {TOKEN} now"])[0] == f"to {TOKEN} now"
