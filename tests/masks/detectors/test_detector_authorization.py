"""HTTP's own words for credentials, inside text."""

import base64

import pytest

BASIC = base64.b64encode(b"jane:s3cr3t").decode()


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ('-H "Authorization: Bearer q8Jx2LmP0vTz4RwY7aBcD"', "BEARER_TOKEN", "q8Jx2LmP0vTz4RwY7aBcD"),
        (f"Authorization: Basic {BASIC}", "BASIC_AUTH", BASIC),
        ("authorization: token q8Jx2LmP0vTz4RwY", "AUTHORIZATION", "q8Jx2LmP0vTz4RwY"),
        ("Cookie: sid=abcdef0123456789; theme=dark\nHost: x", "COOKIE", "sid=abcdef0123456789; theme=dark"),
        ("Set-Cookie: session=abcdef0123456789; Path=/", "COOKIE", "session=abcdef0123456789; Path=/"),
        ("curl -u jane:Tr0ub4dor https://x", "PASSWORD", "Tr0ub4dor"),
        ("curl --user=jane:Tr0ub4dor https://x", "PASSWORD", "Tr0ub4dor"),
        ("login --password hunter22 --verbose", "PASSWORD", "hunter22"),
    ],
)
def test_a_credential_is_found(named, text, entity, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "Bearer token",
        "the bearer of bad news",
        "Authorization: Bearer <token>",
        "Basic knowledge",
        "cookie: yes",
        "docker run -u root:root",
        "basic understanding",
        "sort -u a:b",
    ],
)
def test_speech_about_credentials_is_not(named, text):
    assert not [
        value for entity in ("BEARER_TOKEN", "BASIC_AUTH", "AUTHORIZATION", "COOKIE") for value in named(entity, text)
    ]
