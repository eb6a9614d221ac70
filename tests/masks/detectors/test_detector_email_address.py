"""E-mail addresses."""

import pytest


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("info@example.com", "info@example.com"),
        ("<jane.doe+tag@mail.example.co.uk>, he said", "jane.doe+tag@mail.example.co.uk"),
        ("mailto:a@xn--d1acufc.xn--p1ai", "a@xn--d1acufc.xn--p1ai"),
        ("jürgen@müller.example", "jürgen@müller.example"),
        ("file a@b.com.txt", "a@b.com"),
        ("ends with a@example.com.", "a@example.com"),
    ],
)
def test_an_address_is_found(named, text, address):
    assert named("EMAIL_ADDRESS", text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "info@example.",
        "@app.route",
        "icon@2x.png",
        "git@github.com:a/b",
        "a@b",
        "hello-world here",
        "+@pytest.mark.vcr",
        "user@@example.com",
    ],
)
def test_what_is_no_address_is_not(named, text):
    assert named("EMAIL_ADDRESS", text) == []
