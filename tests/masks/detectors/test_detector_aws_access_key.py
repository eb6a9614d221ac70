"""Amazon's keys: ids by their form, secrets by what stands near them."""

import pytest

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"[:40]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("AKIA3TPQ7XJ5WZK2M4NB", "AKIA3TPQ7XJ5WZK2M4NB"),
        ("id=ASIA3TPQ7XJ5WZK2M4NB.", "ASIA3TPQ7XJ5WZK2M4NB"),
        (f"aws_secret_access_key = {SECRET}", SECRET),
        (f"AKIA, then {SECRET}", SECRET),
        ("da2-nmaqhbb63zabjactesiydcfuvu", "da2-nmaqhbb63zabjactesiydcfuvu"),
    ],
)
def test_a_key_is_found(named, text, key):
    assert named("AWS_ACCESS_KEY", text) == [key]


@pytest.mark.parametrize(
    "text",
    [
        "AKIA3TPQ7XJ5WZK2M4N",
        "AKIA3TPQ7XJ5WZK2M4NBX",
        "akia3tpq7xj5wzk2m4nb",
        f"just {SECRET} alone",
        "aws da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ],
)
def test_what_is_too_short_alone_or_a_digest_is_not(named, text):
    assert named("AWS_ACCESS_KEY", text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("aws_account_id=891511536143", 1), ('AWSAccountId: "8915-1153-6143"', 1), ("phone 891511536143", 0)],
)
def test_an_account_number_needs_its_name(named, text, expected):
    assert len(named("AWS_ACCOUNT_ID", text)) == expected
