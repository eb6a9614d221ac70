"""OpenAI's keys, and those like them."""

import pytest


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH",
        "sk-svcacct-Ab3dE5fGh7Jk9LmN_1pQr3StUv5WxYz",
        "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",
        "sk-7611a2b3c4d5e6f708192a3b4c5d6e7f",
        "sk-or-v1-0123456789abcdef0123456789abcdef",
        "sess-Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH",
    ],
)
def test_a_key_is_found_whole(named, key):
    assert named("OPENAI_API_KEY", f"key={key};") == [key]


@pytest.mark.parametrize(
    "text",
    ["sk-short1", "task-Ab3dE5fGh7Jk9LmN1pQr3", "sk-some-css-class-name-of-a-page", "risk-7611a2b3c4d5e6f708192a3b"],
)
def test_a_word_with_sk_in_it_is_not(named, text):
    assert named("OPENAI_API_KEY", text) == []
