"""Userinfo, parameters and webhooks in URLs."""

import pytest


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("postgres://app:s3cr3t!@db.internal/x", "PASSWORD", "s3cr3t!"),
        ("amqps://admin:3eCa3P@192.168.1.10:5671/vhost", "PASSWORD", "3eCa3P"),
        ("redis://:p4ss%40word@cache:6379", "PASSWORD", "p4ss%40word"),
        ("https://x/?a=1&sig=AbCdEf0123456789", "SECRET", "AbCdEf0123456789"),
        ("https://x/?access_token=Zx81kQ72mPz0", "SECRET", "Zx81kQ72mPz0"),
        (
            "https://discord.com/api/webhooks/123456789012345678/" + "Ab3dE5fGh7" * 6,
            "WEBHOOK_URL",
            "https://discord.com/api/webhooks/123456789012345678/" + "Ab3dE5fGh7" * 6,
        ),
    ],
)
def test_a_credential_in_a_url_is_found(named, text, entity, value):
    assert named(entity, f"see {text} ok") == [value]


@pytest.mark.parametrize(
    "text",
    [
        "https://user:password@host/",
        "https://${USER}:${PASS}@host/",
        "http://<user>:<pass>@host",
        "https://example.com/a:b/c@d",
        "https://x/?page=2&key=short",
        "https://medium.com/@someone/story-1234",
    ],
)
def test_placeholders_and_plain_urls_are_not(named, text):
    assert named("PASSWORD", text) + named("SECRET", text) == []
