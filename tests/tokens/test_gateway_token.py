"""addons/tokens/gateway_token.py: making, knowing and revoking the gateway's own tokens."""

import os
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.tokens.caller import Grade
from addons.tokens.gateway_token import (
    LONGEST_LIFETIME,
    TOKEN,
    MintRefused,
    Registry,
    TokenRefused,
    caller_of,
    digest,
    mint,
)

NOW = datetime(2026, 11, 23, 14, 49, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fixed(count: int) -> bytes:
    return bytes(range(count))


def minted(**changed):
    asked = {
        "name": "alice",
        "groups": ["engineering"],
        "email": "alice@example.com",
        "purpose": "trial",
        "lifetime": HOUR,
        "minted_by": "root",
        "now": NOW,
        "random": fixed,
    }
    return mint(**asked | changed)


def test_a_token_is_a_prefix_and_256_bits():
    secret, row = minted()

    assert secret == "afd_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert TOKEN.fullmatch(secret)
    assert row.sha256 == digest(secret)
    assert (row.subject, row.groups, row.minted_at, row.expires_at) == (
        "local|alice",
        ("engineering",),
        NOW,
        NOW + HOUR,
    )


def test_a_token_has_a_time_ordered_id():
    _, row = minted()

    parsed = uuid.UUID(row.id.removeprefix("tk_"))
    assert row.id.startswith("tk_")
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(NOW.timestamp() * 1000)


def test_the_row_does_not_hold_the_secret():
    secret, row = minted()

    assert secret not in repr(row)
    assert secret.removeprefix("afd_") not in str(row)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "alice smith"},
        {"name": "a|b"},
        {"name": "a" * 129},
        {"name": "алиса"},
        {"groups": [""]},
        {"groups": ["*"]},
        {"groups": ["a\nb"]},
        {"groups": [" a"]},
        {"lifetime": timedelta(0)},
        {"lifetime": -HOUR},
        {"lifetime": LONGEST_LIFETIME + HOUR},
        {"email": "a\nb"},
        {"purpose": "x" * 501},
        {"minted_by": "\x1b[31m"},
        {"issuer": "https://a|b"},
        {"issuer": ""},
        {"issuer": "https://a.example", "name": ""},
    ],
)
def test_a_token_that_would_not_name_an_individual_is_not_made(changed):
    with pytest.raises(MintRefused):
        minted(**changed)


@pytest.mark.parametrize(
    ("issuer", "name", "subject", "grade"),
    [
        ("local", "alice", "local|alice", Grade.TRIAL),
        ("https://login.example", "auth0|17", "https://login.example|auth0|17", Grade.MANAGED),
        ("local2", "alice", "local2|alice", Grade.MANAGED),
    ],
)
def test_a_token_is_worth_what_its_issuer_is(issuer, name, subject, grade):
    _, row = minted(issuer=issuer, name=name)

    assert (row.subject, row.grade, caller_of(row).grade) == (subject, grade, grade)


def test_a_known_token_is_a_caller():
    secret, row = minted()

    caller = Registry.of([row]).find(secret, NOW)

    assert caller == caller_of(row)
    assert (caller.subject, caller.auth_method, caller.token_id, caller.minted_by) == (
        "local|alice",
        "afd_token",
        row.id,
        "root",
    )


SECRET, ROW = minted()


@pytest.mark.parametrize(
    ("rows", "secret", "after", "code"),
    [
        pytest.param([], SECRET, 0, "token_unknown", id="nobody's"),
        pytest.param([ROW], SECRET[:-1] + "9", 0, "token_unknown", id="one letter off"),
        pytest.param([ROW], SECRET, 3600, "token_expired", id="at its end"),
        pytest.param([ROW], SECRET, 9999, "token_expired", id="after its end"),
        pytest.param([replace(ROW, revoked_at=NOW)], SECRET, 0, "token_revoked", id="revoked"),
        pytest.param([replace(ROW, revoked_at=NOW)], SECRET, 9999, "token_revoked", id="revoked, and over"),
        pytest.param([ROW], "", 0, "token_malformed", id="nothing"),
        pytest.param([ROW], SECRET + "A", 0, "token_malformed", id="too long"),
        pytest.param([ROW], SECRET[:-1], 0, "token_malformed", id="too short"),
        pytest.param([ROW], SECRET + "\n", 0, "token_malformed", id="a line break"),
        pytest.param([ROW], SECRET.upper(), 0, "token_malformed", id="capitals"),
        pytest.param([ROW], "sk-" + "a" * 44, 0, "token_malformed", id="a provider's key"),
        pytest.param([ROW], ROW.sha256, 0, "token_malformed", id="its own digest"),
        pytest.param([ROW], "afd_" + "é" * 43, 0, "token_malformed", id="not ASCII"),
        pytest.param([ROW], "afd_\ud800" + "a" * 42, 0, "token_malformed", id="half a character"),
    ],
)
def test_a_token_is_refused(rows, secret, after, code):
    with pytest.raises(TokenRefused) as refused:
        Registry.of(rows).find(secret, NOW + timedelta(seconds=after))

    assert refused.value.code == code
    assert not secret or secret not in str(refused.value)
    assert "affidavit token mint" in refused.value.hint


def test_a_revoked_token_stops_at_once():
    registry = Registry.of([ROW])

    revoked = registry.revoke(ROW.id, NOW + HOUR / 2)

    assert revoked.revoked_at == NOW + HOUR / 2
    with pytest.raises(TokenRefused, match="token_revoked"):
        registry.find(SECRET, NOW + HOUR / 2)


def test_the_first_revocation_stands():
    registry = Registry.of([ROW])
    registry.revoke(ROW.id, NOW)

    assert registry.revoke(ROW.id, NOW + HOUR).revoked_at == NOW
    assert registry.rows[0].revoked_at == NOW


def test_what_is_not_there_is_not_revoked():
    with pytest.raises(TokenRefused, match="affidavit token list"):
        Registry().revoke("tk_1", NOW)


@pytest.mark.parametrize(
    "row", [ROW, replace(ROW, id="tk_2"), replace(ROW, sha256="sha256:00")], ids=["itself", "its secret", "its id"]
)
def test_a_token_is_known_once(row):
    with pytest.raises(MintRefused, match="already known"):
        Registry.of([ROW]).add(row)


def test_rows_come_in_the_order_they_were_minted():
    later = replace(ROW, id="tk_0", sha256="sha256:00", minted_at=NOW + HOUR)

    assert Registry.of([later, ROW]).rows == (ROW, later)


def test_the_registry_shows_nothing():
    assert ROW.sha256 not in repr(Registry.of([ROW]))


@given(st.text())
def test_no_text_but_the_secret_is_found(text):
    with pytest.raises(TokenRefused):
        Registry.of([ROW]).find(text, NOW)


@given(st.binary(min_size=42, max_size=42))
def test_every_secret_has_the_form(noise):
    secret, row = minted(random=lambda count: noise[:count])

    assert TOKEN.fullmatch(secret)
    assert re.fullmatch(r"tk_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", row.id)


def test_two_tokens_differ():
    assert minted(random=os.urandom)[0] != minted(random=os.urandom)[0]
