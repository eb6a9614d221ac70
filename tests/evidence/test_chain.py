"""A chain of parts: the same history gives the same nodes, any difference gives others, and nobody else's key does."""

import hashlib

import pytest

from addons.evidence.chain import Chain, Masking, Tip, content_id_of

KEY = b"k" * 32
CHAIN = Chain(KEY)


def node(parent=None, **changes):
    values = {"role": "user", "kind": "text", "text": "hello", "name": "", "call_id": "", "maskings": ()}
    return CHAIN.extend(parent, **(values | changes))


def test_the_same_history_gives_the_same_nodes():
    assert node(node().tip, role="assistant") == node(node().tip, role="assistant")


def test_a_reply_sent_again_as_history_is_the_same_node():
    question = node()
    answered = node(question.tip, role="assistant", kind="tool_call", text="{}", name="run", call_id="c1")

    again = [node(), node(node().tip, role="assistant", kind="tool_call", text="{}", name="run", call_id="c1")]

    assert again == [question, answered]


MASKED = Masking("", "CREDIT_CARD", "cards", "hash", "<CREDIT_CARD:1>")


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "system"},
        {"kind": "reasoning"},
        {"text": "hello "},
        {"name": "file.txt"},
        {"call_id": "c1"},
        {"maskings": (MASKED,)},
        {"parent": Tip(b"p" * 32, 0)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_label_and_what_came_before_are_part_of_the_id(changes):
    assert node(**changes).id != node().id


def test_another_person_gives_another_id_to_the_same_words():
    other = Chain(b"o" * 32).extend(None, role="user", kind="text", text="hello")

    assert other.id != node().id
    assert other.content_id != node().content_id


def test_no_id_is_a_plain_hash_of_the_text():
    assert node().content_id not in {hashlib.sha256(b"hello").digest(), hashlib.sha256(b"\0hello").digest()}


def test_depth_counts_from_the_first_part():
    first = node()
    second = node(first.tip)

    assert (first.depth, second.depth, second.tip.length) == (0, 1, 2)
    assert (first.parent, second.parent) == (None, first.id)


def test_text_is_kept_as_every_reader_sees_it():
    made = node(text="a\0b\ud83d")

    assert made.text == "a\u2400b\ufffd"
    assert made.content_id == content_id_of(KEY, "a\u2400b\ufffd")


def test_a_repr_shows_no_text():
    shown = repr(node(text="my secret", name="salary.xlsx", maskings=(MASKED,)))

    assert "secret" not in shown
    assert "salary" not in shown


def test_media_is_kept_as_a_digest_under_the_persons_key():
    digest = CHAIN.media_digest(b"\x89PNG")

    assert digest.startswith("hmac-sha256:")
    assert digest != Chain(b"o" * 32).media_digest(b"\x89PNG")
