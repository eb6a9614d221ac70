"""Social security and taxpayer numbers."""

import pytest


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("078-05-1123", "078-05-1123"),
        ("abc 078 05 1123 abc", "078 05 1123"),
        ("SSN: 078051123", "078051123"),
        ("social security number is 078051123", "078051123"),
        ("socialSecurity=078051123", "078051123"),
    ],
)
def test_a_social_security_number_is_found(named, text, number):
    assert named("US_SSN", text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "000-05-1123",
        "666-05-1123",
        "900-05-1123",
        "078-00-1123",
        "078-05-0000",
        "1078-05-1123",
        "078-05-11234",
        "order 078051123 shipped",
        "MA 02110-1301",
        "693-09.4444",
    ],
)
def test_a_number_never_given_or_otherwise_written_is_not(named, text):
    assert named("US_SSN", text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("911-70-1234", ["911-70-1234"]), ("911-89-1234", []), ("tax id 911701234", ["911701234"]), ("811-70-1234", [])],
)
def test_a_taxpayer_number_begins_with_nine_and_has_a_known_group(named, text, expected):
    assert named("US_ITIN", text) == expected
