"""addons/approvals/grants.py: one approval, one call, these bytes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from addons.approvals.grants import GrantRefused, grant, open_grant, revoke, use
from addons.approvals.state import Approval, Key, Scope, State

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = Key("local|alice", "destructive-sql", "hmac-sha256:00", "sha256:11")
APPROVED = Approval(
    id="ap_018f0000-0000-7000-8000-000000000000",
    exchange_id="ex_1",
    rule=KEY.rule,
    requester=KEY.requester,
    requester_email="",
    requester_minted_by="",
    groups=("data-owners",),
    count=1,
    requested_at=NOW - HOUR,
    expires_at=NOW + HOUR,
    payload_digest=KEY.payload_digest,
    policy_digest=KEY.policy_digest,
    state=State.APPROVED,
)
GRANT = grant(APPROVED, NOW)


def test_a_grant_is_bound_to_what_was_approved():
    assert (GRANT.key, GRANT.digest, GRANT.approval_id) == (KEY, KEY.payload_digest, APPROVED.id)
    assert GRANT.expires_at == APPROVED.expires_at


def test_one_approval_can_only_ever_have_one_grant():
    assert grant(APPROVED, NOW + HOUR / 2).id == GRANT.id == "gr_018f0000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("state", [state for state in State if state is not State.APPROVED])
def test_what_is_not_approved_has_no_grant(state):
    with pytest.raises(GrantRefused, match="not_approved"):
        grant(replace(APPROVED, state=state), NOW)


def test_a_grant_is_used_once():
    used = use(GRANT, KEY, "ex_2", NOW)

    assert (used.used_at, used.used_by) == (NOW, "ex_2")
    with pytest.raises(GrantRefused, match="grant_used"):
        use(used, KEY, "ex_3", NOW)


@pytest.mark.parametrize("field", ["requester", "rule", "payload_digest", "policy_digest"])
def test_a_grant_is_for_nothing_else(field):
    with pytest.raises(GrantRefused, match="grant_mismatch"):
        use(GRANT, replace(KEY, **{field: "another"}), "ex_2", NOW)


@pytest.mark.parametrize("late", [HOUR, 2 * HOUR])
def test_a_grant_is_not_used_at_its_end_or_after(late):
    with pytest.raises(GrantRefused, match="grant_expired"):
        use(GRANT, KEY, "ex_2", NOW + late)


def test_a_revoked_grant_is_not_used():
    revoked = revoke(GRANT, NOW)

    with pytest.raises(GrantRefused, match="grant_revoked"):
        use(revoked, KEY, "ex_2", NOW)


def test_the_first_revocation_stands():
    assert revoke(revoke(GRANT, NOW), NOW + HOUR).revoked_at == NOW


def test_what_was_used_cannot_be_taken_back():
    with pytest.raises(GrantRefused, match="grant_used"):
        revoke(use(GRANT, KEY, "ex_2", NOW), NOW)


@pytest.mark.parametrize(
    ("grants", "found"),
    [
        pytest.param((), None, id="none"),
        pytest.param((GRANT,), GRANT, id="open"),
        pytest.param((use(GRANT, KEY, "ex_2", NOW),), None, id="used"),
        pytest.param((revoke(GRANT, NOW),), None, id="revoked"),
        pytest.param((replace(GRANT, expires_at=NOW),), None, id="expired"),
        pytest.param((replace(GRANT, key=replace(KEY, requester="local|bob")),), None, id="somebody else's"),
        pytest.param(
            (replace(GRANT, id="gr_2", expires_at=NOW + 2 * HOUR), GRANT), GRANT, id="the one that ends first"
        ),
    ],
)
def test_a_request_finds_the_grant_it_may_use(grants, found):
    assert open_grant(grants, KEY, NOW) == found


# ---- scopes: a conversation, some minutes

SESSION = replace(GRANT, scope=Scope.SESSION, session_id="se_1")
MINUTES = replace(GRANT, scope=Scope.MINUTES, expires_at=NOW + timedelta(minutes=5))


@pytest.mark.parametrize("wide", [SESSION, MINUTES], ids=["session", "minutes"])
def test_a_wider_grant_is_used_again_for_other_payloads(wide):
    other = replace(KEY, payload_digest="hmac-sha256:99")

    once = use(wide, KEY, "ex_2", NOW, "se_1")
    twice = use(once, other, "ex_3", NOW, "se_1")

    assert (twice.used_by, twice.open_at(NOW)) == ("ex_3", True)


@pytest.mark.parametrize("wide", [SESSION, MINUTES], ids=["session", "minutes"])
@pytest.mark.parametrize("field", ["requester", "rule", "policy_digest"])
def test_a_wider_grant_is_still_of_one_person_rule_and_policy(wide, field):
    with pytest.raises(GrantRefused, match="grant_mismatch"):
        use(wide, replace(KEY, **{field: "another"}), "ex_2", NOW, "se_1")


@pytest.mark.parametrize("session", ["", "se_2"])
def test_a_conversation_is_that_one_alone(session):
    other = replace(KEY, payload_digest="hmac-sha256:99")

    with pytest.raises(GrantRefused, match="grant_mismatch"):
        use(SESSION, other, "ex_2", NOW, session)


def test_the_conversation_is_the_one_in_which_the_approved_call_goes_on():
    """A call that was told to come again comes in a conversation of its own; the first use decides, not a later one."""
    other = replace(KEY, payload_digest="hmac-sha256:99")

    first = use(SESSION, KEY, "ex_2", NOW, "se_2")
    again = use(first, KEY, "ex_3", NOW, "se_3")

    assert use(first, other, "ex_4", NOW, "se_2").used_by == "ex_4"
    for session in ("se_1", "se_3"):
        with pytest.raises(GrantRefused, match="grant_mismatch"):
            use(again, other, "ex_5", NOW, session)


def test_minutes_end_and_what_was_used_can_still_be_taken_back():
    used = use(MINUTES, KEY, "ex_2", NOW)

    with pytest.raises(GrantRefused, match="grant_expired"):
        use(used, KEY, "ex_3", NOW + timedelta(minutes=5))
    with pytest.raises(GrantRefused, match="grant_revoked"):
        use(revoke(used, NOW), KEY, "ex_3", NOW)


def test_the_narrowest_open_grant_is_used_first():
    assert open_grant([SESSION, MINUTES, GRANT], KEY, NOW, "se_1") is GRANT
    assert open_grant([SESSION, MINUTES], KEY, NOW, "se_1") is MINUTES
