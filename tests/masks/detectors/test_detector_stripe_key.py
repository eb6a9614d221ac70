"""Stripe's keys."""

import pytest


@pytest.mark.parametrize(
    "key",
    [
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc8AbC",
        "rk_test_51OuEMLAlTWGaDypquDn9aZigaJ",
        "pk_live_TYooMQauvdEDq54NiTphI7jx",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ],
)
def test_a_key_is_found_whole(named, key):
    assert named("STRIPE_KEY", f"'{key}'") == [key]


@pytest.mark.parametrize(
    "text", ["sk_live_short", "task_test_4eC39HqLyjWDarjtT1zdp7dc", "sk_other_4eC39HqLyjWDarjtT1zdp7dc"]
)
def test_what_only_looks_like_one_is_not(named, text):
    assert named("STRIPE_KEY", text) == []
