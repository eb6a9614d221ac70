"""Artifactory's keys."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "AKCp5budTFpbypBqQbGJPz3pGCi28pPivfWczqjfYb9drAmd9LbRZbj6UpKFxJXA8ksWGc9fM",
        "AP6xxxxxxxxxx",
        "X-JFrog-Art-Api: AKCxxxxxxxxxx",
        "=AP2xxxxxxxxxx",
    ],
)
def test_a_key_is_found(named, text):
    assert len(named("API_KEY", text)) == 1


@pytest.mark.parametrize(
    "text", ["AP6xxx", "APACHE_LICENSE_TEXT", "CAP6xxxxxxxxxx", "APIs and APPLICATIONS", "a/b/AP6l0ryp4tu8CfyHuifj"]
)
def test_words_in_capitals_are_not(named, text):
    assert named("API_KEY", text) == []
