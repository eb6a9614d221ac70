"""Random runs next to a word that announces them."""

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pandadoc PRIVATE gHjrT345rflePOKazE2Bj47hF56U9dsVwMdSiY73", "gHjrT345rflePOKazE2Bj47hF56U9dsVwMdSiY73"),
        ("squarespace-secret-123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("finnhub KEY 0987654321fedcba0987654321fedcba", "0987654321fedcba0987654321fedcba"),
    ],
)
def test_a_run_is_found_by_the_word_before_it(named, text, value):
    assert named("SECRET", text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "commit gHjrT345rflePOKazE2Bj47hF56U9dsV",
        "sha256 key digest 0987654321fedcba0987654321fedcba",
        "key some_long_identifier_name_here",
        "the key is gpt-4o-2024-08-06-preview",
        "id 123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_digests_names_and_ids_are_not(named, text):
    assert named("SECRET", text) == []
