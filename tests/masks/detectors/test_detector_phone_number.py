"""Telephone numbers."""

import pytest


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 212-555-2368", "+1 212-555-2368"),
        ("+49 30 901820 please", "+49 30 901820"),
        ("(212) 555-2368", "(212) 555-2368"),
        ("212.555.2368", "212.555.2368"),
        ("call me at 030 901820", "030 901820"),
        ("phone: 2125552368", "2125552368"),
        ("0033 1 42 68 53 00", "0033 1 42 68 53 00"),
    ],
)
def test_a_number_is_found(named, text, number):
    assert named("PHONE_NUMBER", text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "created: 1770741598 end",
        "2025-01-02 and so on",
        "version 212.555.23",
        "id 2125552368 x",
        "count 1 2 3 4 5 6 7 8 9 0",
        "to +999 123 456 789 here",
    ],
)
def test_what_no_number_plan_knows_is_not(named, text):
    assert named("PHONE_NUMBER", text) == []
