"""Anthropic's keys."""

import pytest

BODY = "Ab3dE5fGh7Jk9LmN1pQr3StUv5WxYz7aBcD9eFgH" * 2


@pytest.mark.parametrize("kind", ["api03", "admin01", "oat01", "ort01", "sid01"])
def test_a_key_of_every_kind_is_found_whole(named, kind):
    key = f"sk-ant-{kind}-{BODY}-{BODY[:6]}AA"

    assert named("ANTHROPIC_API_KEY", f'"{key}"') == [key]


@pytest.mark.parametrize("text", ["sk-ant-api03-short", f"xsk-ant-api03-{BODY}", "sk-anthropic"])
def test_what_is_too_short_or_inside_a_word_is_not(named, text):
    assert named("ANTHROPIC_API_KEY", text) == []
