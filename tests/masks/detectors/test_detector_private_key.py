"""Private keys, with their body."""

import json

import pytest

BODY = "\n".join(
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDndJt7NaG8T64/"[shift:] + "Q7zR9x" * 2 for shift in range(12)
)


def pem(kind="PRIVATE KEY", body=BODY):
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


@pytest.mark.parametrize(
    "kind",
    [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ],
)
def test_a_key_is_found_with_its_whole_body(named, kind):
    assert named("PRIVATE_KEY", f"key:\n{pem(kind)}\nend") == [pem(kind)]


def test_a_key_in_a_json_string_is_found(named):
    text = json.dumps({"private_key": pem()})

    assert named("PRIVATE_KEY", text) == [json.dumps(pem())[1:-1]]


def test_a_key_cut_off_before_its_end_is_masked_as_far_as_it_reaches(named):
    text = pem().partition("-----END")[0]

    (key,) = named("PRIVATE_KEY", text + "")
    assert BODY in key


def test_a_puttygen_file_and_an_age_key_are_keys_too(named):
    putty = f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{BODY[:60]}\nPrivate-MAC: {'ab12' * 16}"
    age = "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"[:58]

    assert named("PRIVATE_KEY", putty) == [putty]
    assert named("PRIVATE_KEY", age) == [age]


@pytest.mark.parametrize(
    "text",
    [
        pem(body="..."),
        pem(body="xxx" * 30),
        "-----BEGIN PUBLIC KEY-----\n" + BODY,
        "-----BEGIN CERTIFICATE-----\n" + BODY,
        "BEGIN PRIVATE KEY",
    ],
)
def test_a_frame_without_a_key_and_a_public_key_are_not(named, text):
    assert named("PRIVATE_KEY", text) == []
