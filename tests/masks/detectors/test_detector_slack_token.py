"""Slack's tokens and webhooks."""

import pytest


@pytest.mark.parametrize(
    "token",
    [
        "xoxb-416843729158-132049654560-Ab3dE5fGh7Jk9LmN1pQr3StU",
        "xoxp-523423-234243-234233-e039d02840a0b9379c",
        "xoxe.xoxp-1-Mi0yLTM0MTQwNDE0MDE3Ni0zNjU3",
        "xapp-1-A052FGTS2DL-5171572773297-610b6a11f4",
    ],
)
def test_a_token_is_found_whole(named, token):
    assert named("SLACK_TOKEN", f"token {token}.") == [token]


def test_a_webhook_is_a_secret_as_a_whole(named):
    url = "https://hooks.slack.com/services/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"

    assert named("WEBHOOK_URL", f"POST {url} now") == [url]


@pytest.mark.parametrize("text", ["xox-123", "foxob-416843729158-1320", "https://slack.com/services/T0123ABCD"])
def test_what_only_looks_like_one_is_not(named, text):
    assert named("SLACK_TOKEN", text) + named("WEBHOOK_URL", text) == []
