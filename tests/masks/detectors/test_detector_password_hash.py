"""Hashes of passwords."""

import pytest


@pytest.mark.parametrize(
    "value",
    [
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$1$OKgLCmVl$d02jECa4DXn/oXX0R.MoQ/",
        "$6$rounds=5000$GX7BopJZJxPc/KEK$" + "le16UF8I2Anb.rOrn22AUPWvzUETDGefUmAV8AZkGcD" * 2,
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b9dWRWJTmaaJObG",
        "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
        "pbkdf2_sha256$260000$0Ab3dE5fGh7J$xKKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAA=",
    ],
)
def test_a_hash_is_found_whole(named, value):
    assert named("PASSWORD_HASH", f"jane:{value}:0:0") == [value] or named("PASSWORD_HASH", f"jane: {value} x") == [
        value
    ]


@pytest.mark.parametrize("text", ["$1$", "$100$", "cost $2b or $2a", "{SHA}", "$argon2id$"])
def test_a_beginning_is_not(named, text):
    assert named("PASSWORD_HASH", text) == []
