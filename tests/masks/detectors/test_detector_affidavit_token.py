"""This gateway's own tokens."""

import pytest

TOKEN = "afd_Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH_-1"


@pytest.mark.parametrize(
    "text", [TOKEN, f"http://affidavit:{TOKEN}@127.0.0.1:8080", f'{{"token": "{TOKEN}"}}', f"AFFIDAVIT_TOKEN={TOKEN}\n"]
)
def test_a_token_is_found_wherever_it_stands(found, text):
    assert ("AFFIDAVIT_TOKEN", TOKEN) in found(text)


@pytest.mark.parametrize("text", [TOKEN[:-1], TOKEN + "x", "xafd_" + TOKEN[4:], "afd_"])
def test_another_length_is_not(named, text):
    assert named("AFFIDAVIT_TOKEN", text) == []
