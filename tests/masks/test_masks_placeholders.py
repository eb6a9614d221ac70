"""The grammar of placeholders."""

import pytest
import regex

from addons.masks.placeholders import LETTERS, fingerprint, hashed, partial, places, redacted, tail_of

_KNOWN = frozenset({"US_SSN"})


def test_a_fingerprint_is_sixteen_letters_that_spell_no_number():
    letters = fingerprint(b"k" * 32, "078051120")
    assert regex.fullmatch(f"[{LETTERS}]{{16}}", letters)


@pytest.mark.parametrize(
    "text", [hashed("US_SSN", fingerprint(b"k", "078051120")), redacted("US_SSN"), partial("US_SSN", "1120")]
)
def test_what_is_made_is_known_again(text):
    assert places(f"a {text} b", _KNOWN) == [(2, 2 + len(text))]


@pytest.mark.parametrize(
    "text",
    [
        "[OTHER]",
        "[US_SSN:078051120]",
        "[US_SSN:..078051120]",
        "[US_SSN:kqzbtfwmgxhdrnc]",
        "[US_SSN:kqzbtfwmgxhdrncpp]",
        "[us_ssn]",
        "US_SSN",
        "[US_SSN",
    ],
)
def test_what_is_nearly_one_is_none(text):
    assert places(text, _KNOWN) == []


@pytest.mark.parametrize(
    ("value", "tail"),
    [
        ("4111 1111 1111 1234", "1234"),
        ("078-05-1120", "1120"),
        ("1234", "34"),
        ("jane@example.org", "org"),
        ("", ""),
    ],
)
def test_a_tail_is_a_small_part(value, tail):
    assert tail_of(value) == tail
