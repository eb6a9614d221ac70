"""Detections remembered: what counts as the same text, and how much is kept."""

from addons.masks.memo import Memo
from addons.masks.spans import Span

_SPANS = (Span(0, 9, "US_SSN", 0.9),)


def test_a_text_is_known_again():
    memo = Memo(b"k" * 32, 1 << 16, "one")
    memo.put(memo.key("text", ""), _SPANS)
    assert memo.get(memo.key("text", "")) == _SPANS


def test_another_name_or_generation_or_key_is_another_text():
    keys = {
        Memo(b"k" * 32, 1, "one").key("text", ""),
        Memo(b"k" * 32, 1, "one").key("text", "password"),
        Memo(b"k" * 32, 1, "two").key("text", ""),
        Memo(b"l" * 32, 1, "one").key("text", ""),
    }
    assert len(keys) == 4


def test_the_longest_unused_goes_first():
    memo = Memo(b"k" * 32, 1000, "one")
    keys = [memo.key(str(number), "") for number in range(6)]
    for key in keys[:5]:
        memo.put(key, ())
    memo.get(keys[0])
    memo.put(keys[5], ())
    assert [memo.get(key) is not None for key in keys] == [True, False, True, True, True, True]


def test_no_more_is_kept_than_allowed():
    memo = Memo(b"k" * 32, 10_000, "one")
    for number in range(1000):
        memo.put(memo.key(str(number), ""), _SPANS * (number % 7))
    assert memo.used_bytes <= 10_000


def test_an_entry_put_twice_counts_once():
    memo = Memo(b"k" * 32, 10_000, "one")
    for _ in range(100):
        memo.put(memo.key("text", ""), _SPANS)
    assert memo.used_bytes < 1000


def test_a_lone_surrogate_is_a_text_too():
    memo = Memo(b"k" * 32, 10_000, "one")
    memo.put(memo.key("\ud800", ""), ())
    assert memo.get(memo.key("\ud800", "")) == ()
