"""Google's keys and tokens."""

import pytest


@pytest.mark.parametrize(
    "key",
    [
        "AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
        "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",
        "ya29.a0AfH6SMBx7Ab3dE5fGh7Jk9LmN",
        "1//0gAb3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH-xyz",
        "231545488769-4d1mcev9vifvlncrern52id2pqqf5u5l.apps.googleusercontent.com",
    ],
)
def test_a_key_is_found_whole(named, key):
    assert named("GOOGLE_API_KEY", f'{{"key": "{key}"}}') == [key]


@pytest.mark.parametrize(
    "text",
    [
        "AIzaShort",
        "xAIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
        "GOCSPX-x",
        "4d1mcev9vifvlncrern52id2pqqf5u5l.example.com",
    ],
)
def test_what_only_looks_like_one_is_not(named, text):
    assert named("GOOGLE_API_KEY", text) == []
