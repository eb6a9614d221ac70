"""addons/tokens/key_cache.py: when keys are fetched again, and when they are too old to be believed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from addons.tokens.gateway_token import TokenRefused
from addons.tokens.key_cache import RETRY_SECONDS, UNKNOWN_KEY_SECONDS, USUAL_SECONDS, KeyCache
from addons.tokens.strict_json import Malformed
from tests.login.jobs import jwk

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEYS = [json.dumps({"keys": [jwk(rsa.generate_private_key(65537, 2048), kid)]}).encode() for kid in ("a", "b")]


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def cache() -> KeyCache:
    made = KeyCache()
    made.tried(NOW)
    made.took(KEYS[0], None, NOW)
    return made


def test_at_first_it_is_due_and_nothing_is_usable():
    cache = KeyCache()

    assert cache.due(NOW)
    with pytest.raises(TokenRefused) as refusal:
        cache.usable(NOW, 3600)
    assert refusal.value.code == "issuer_unreachable"


def test_after_a_failure_it_is_tried_again_but_not_at_once():
    cache = KeyCache()
    cache.tried(NOW)

    assert [cache.due(later(seconds)) for seconds in (0, RETRY_SECONDS - 1, RETRY_SECONDS)] == [False, False, True]


@pytest.mark.parametrize(
    ("max_age", "fresh"), [(None, USUAL_SECONDS), (0, 60), (120, 120), (10**9, 3600)], ids=["none", "0", "120", "huge"]
)
def test_keys_are_fresh_for_as_long_as_the_issuer_says_within_bounds(max_age, fresh):
    cache = KeyCache()
    cache.tried(NOW)
    cache.took(KEYS[0], max_age, NOW)

    assert [cache.due(later(seconds)) for seconds in (fresh - 1, fresh)] == [False, True]


def test_an_unknown_key_is_looked_for_at_once_and_then_not_for_a_while(cache):
    first = cache.due(later(1), unknown_key=True)
    cache.tried(later(1), unknown_key=True)

    again = [
        cache.due(later(1 + seconds), unknown_key=True) for seconds in (1, UNKNOWN_KEY_SECONDS - 1, UNKNOWN_KEY_SECONDS)
    ]

    assert (first, again) == (True, [False, False, True])


def test_cached_keys_serve_until_the_stated_age_and_then_no_longer(cache):
    assert cache.usable(later(600), 600).keys
    with pytest.raises(TokenRefused) as refusal:
        cache.usable(later(601), 600)
    assert refusal.value.code == "issuer_keys_stale"


def test_a_rotation_is_another_generation_and_the_same_keys_are_not(cache):
    before = cache.generation
    cache.took(KEYS[0], None, later(700))
    same = cache.generation
    cache.took(KEYS[1], None, later(1400))

    assert (same, cache.generation) == (before, before + 1)


@pytest.mark.parametrize("document", [b"", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AA"}]}', b"<html>"])
def test_what_is_no_key_set_leaves_the_old_keys(cache, document):
    with pytest.raises(Malformed):
        cache.took(document, None, later(700))

    assert cache.usable(later(700), 3600).keys[0].kid == "a"
