"""addons/approvals/requests.py: retries of a held request are one request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.approvals.requests import answer, deadlines, due, payload_digest, pending_hint
from addons.approvals.state import Approval, State

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PENDING = Approval(
    id="ap_1",
    exchange_id="ex_1",
    rule="r",
    requester="local|alice",
    requester_email="",
    requester_minted_by="",
    groups=("data-owners", "leads"),
    count=1,
    requested_at=NOW,
    expires_at=NOW + HOUR,
    payload_digest="hmac-sha256:00",
    policy_digest="sha256:11",
)
KEY = bytes(range(32))
ASKED = {"method": "POST", "connection": "openai", "path": "/v1/chat/completions", "body": b'{"a":1}'}


def test_a_payload_has_the_digest_written_down():
    """Found with `openssl dgst -sha256 -mac HMAC` over the length-prefixed fields."""
    assert (
        payload_digest(KEY, **ASKED) == "hmac-sha256:2a987e492b626714ae80f374ca0f047b61b1292299854c3a706a65d0527213db"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"connection": "openai2"},
        {"path": "/v1/chat/completions?a=b"},
        {"body": b'{"a": 1}'},
        {"method": "POSTo", "connection": "penai"},
        {"connection": "openai/v1", "path": "/chat/completions"},
        {"path": "/v1/chat/completions{", "body": b'"a":1}'},
    ],
)
def test_another_payload_has_another_digest(changed):
    assert payload_digest(KEY, **ASKED | changed) != payload_digest(KEY, **ASKED)


def test_another_key_gives_another_digest():
    assert payload_digest(bytes(32), **ASKED) != payload_digest(KEY, **ASKED)


def test_a_short_key_is_refused_and_not_shown():
    with pytest.raises(ValueError, match="expected at least 32 bytes, got 5") as refused:
        payload_digest(b"short", **ASKED)

    assert "b'short'" not in str(refused.value)


@given(st.text(), st.binary())
def test_every_path_and_body_has_a_digest(path, body):
    assert payload_digest(KEY, method="GET", connection="c", path=path, body=body).startswith("hmac-sha256:")


def another(**changed):
    return replace(PENDING, id="ap_2", requested_at=NOW + timedelta(minutes=1), **changed)


@pytest.mark.parametrize(
    ("approvals", "found"),
    [
        pytest.param((), None, id="none"),
        pytest.param((PENDING,), "ap_1", id="pending: joined"),
        pytest.param((replace(PENDING, state=State.DENIED),), "ap_1", id="denied: told again"),
        pytest.param((replace(PENDING, state=State.APPROVED),), None, id="approved: its grant answers"),
        pytest.param((replace(PENDING, state=State.CANCELLED),), None, id="cancelled: asked anew"),
        pytest.param((replace(PENDING, expires_at=NOW),), None, id="over, though not yet marked: asked anew"),
        pytest.param((replace(PENDING, state=State.DENIED, expires_at=NOW),), None, id="denied long ago: asked anew"),
        pytest.param((replace(PENDING, requester="local|bob"),), None, id="somebody else's"),
        pytest.param((replace(PENDING, policy_digest="sha256:22"),), None, id="under other policies"),
        pytest.param((replace(PENDING, state=State.DENIED), another()), "ap_2", id="the newest: pending"),
        pytest.param((PENDING, another(state=State.DENIED)), "ap_2", id="the newest: denied"),
        pytest.param((PENDING, another(state=State.APPROVED)), None, id="the newest: approved"),
    ],
)
def test_what_a_request_finds(approvals, found):
    answered = answer(approvals, PENDING.key, NOW)

    assert (answered.id if answered else None) == found


@pytest.mark.parametrize(
    "asked", [NOW, NOW - HOUR / 2], ids=["in the same microsecond", "after the clock was set back"]
)
def test_one_that_waits_is_found_whatever_was_taken_back_at_a_later_time_by_the_clock(asked):
    taken_back = replace(PENDING, id="ap_9", state=State.CANCELLED)
    waits = replace(PENDING, id="ap_10", requested_at=asked)

    assert answer([taken_back, waits], PENDING.key, NOW) == waits


@pytest.mark.parametrize(
    ("after", "hold_until"),
    [
        (timedelta(0), timedelta(seconds=110)),
        (HOUR / 2, HOUR / 2 + timedelta(seconds=110)),
        (HOUR - timedelta(seconds=5), HOUR),
    ],
)
def test_a_flow_waits_its_own_time_but_no_longer_than_the_approval(after, hold_until):
    assert deadlines(PENDING, 110, NOW + after).hold_until == NOW + hold_until


def test_those_whose_time_is_up_are_due():
    decided = replace(PENDING, id="ap_3", state=State.DENIED)

    assert due((PENDING, another(expires_at=NOW + 2 * HOUR), decided), NOW + HOUR) == (PENDING,)


@pytest.mark.parametrize(("count", "people"), [(1, "one person"), (2, "2 people")])
def test_the_hint_says_who_and_what_to_type(count, people):
    hint = pending_hint(replace(PENDING, count=count))

    assert hint.startswith(f"waiting for {people} of data-owners or leads: affidavit approvals approve ap_1 ")
