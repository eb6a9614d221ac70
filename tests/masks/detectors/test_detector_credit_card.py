"""Card numbers: schemes, writings, and what only looks like one."""

import pytest


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("4111111111111111", "4111111111111111"),
        ("Visa 4012-8888-8888-1881.", "4012-8888-8888-1881"),
        ("5555 5555 5555 4444 exp 12/27", "5555 5555 5555 4444"),
        ("amex 3714 496353 98431", "3714 496353 98431"),
        ("diners 30569309025904", "30569309025904"),
        ("4111 1111 1111 1111 123", "4111 1111 1111 1111"),
        ("order 12 4111.1111.1111.1111", "4111.1111.1111.1111"),
        ("spread 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("card 1220 00000 000003", "1220 00000 000003"),
        ("my card:\n4111\n1111\n1111\n1111", "4111\n1111\n1111\n1111"),
        ("my amex:\n4111\n1111\n1111\n1111", "4111\n1111\n1111\n1111"),
        ("amex 3782/822463/10005", "3782/822463/10005"),
        ("nineteen 4000 0000 0000 0000 006", "4000 0000 0000 0000 006"),
    ],
)
def test_a_card_is_found(named, text, card):
    assert named("CREDIT_CARD", text) == [card]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "9999999999999995",
        "1736891234567890123",
        "41111111111111111111",
        "x=0.4111111111111111",
        "4111\n1111\n1111\n1111",
        "5000 6000 7000 8000",
    ],
    ids=[
        "check digit",
        "check digit, spaced",
        "zeros",
        "no scheme",
        "timestamp",
        "twenty digits",
        "a fraction",
        "lines without context",
        "thousands",
    ],
)
def test_what_only_looks_like_a_card_is_not(named, text):
    assert named("CREDIT_CARD", text) == []
