"""addons/approvals/state.py: who may decide, and what becomes of an approval."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from addons.approvals.deciding import decide, may_decide
from addons.approvals.state import (
    NEXT,
    REASON_CHARACTERS,
    Action,
    DecisionRefused,
    Proof,
    State,
    cancel,
    expire,
    release,
    request,
)
from addons.policy.model import ApprovalRule, Approvers, Direction, Then, When
from addons.tokens.caller import Caller, Grade

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULE = ApprovalRule(
    "destructive-sql", When(Direction.RESPONSE), Then.HOLD, Approvers(("data-owners",), 1), 110, 3600, ""
)


def caller(
    name: str, *groups: str, email: str = "", minted_by: str = "root", lasts: timedelta = timedelta(days=1)
) -> Caller:
    return Caller(
        subject=name if "|" in name else f"local|{name}",
        email=email,
        groups=groups,
        auth_method="afd_token",
        token_id=f"tk_{name}",
        grade=Grade.TRIAL,
        purpose="",
        expires_at=NOW + lasts,
        minted_by=minted_by,
    )


ALICE = caller("alice", "engineering", email="alice@example.com", minted_by="alice-os")
BOB = caller("bob", "data-owners", email="bob@example.com")
CAROL = caller("carol", "engineering", "data-owners")


def asked(count: int = 1, groups: tuple[str, ...] = ("data-owners",), requester: Caller = ALICE):
    return request(
        approval_id="ap_1",
        exchange_id="ex_1",
        rule=replace(RULE, approvers=Approvers(groups, count)),
        requester=requester,
        payload_digest="hmac-sha256:00",
        policy_digest="sha256:11",
        now=NOW,
    )


def approve(approval, approver=BOB, at=NOW + SECOND, reason="a planned clean-up"):
    return decide(approval, approver, Action.APPROVE, reason, at)


def test_a_request_is_pending_until_its_own_end():
    approval = asked()

    assert approval.state is State.PENDING
    assert approval.expires_at == NOW + timedelta(seconds=3600)
    assert (approval.approver, approval.approver_issuer, approval.auth_time, approval.amr) == ("", "", None, ())


def test_an_approver_approves():
    signed_in = NOW - timedelta(hours=1)

    approval = decide(
        asked(),
        caller("https://login.example|b|c", "data-owners"),
        Action.APPROVE,
        " yes ",
        NOW + SECOND,
        proof=Proof(signed_in, ("mfa",), "sid-1"),
    )

    assert approval.state is State.APPROVED
    assert approval.approver == "https://login.example|b|c"
    assert approval.approver_issuer == "https://login.example"
    assert (approval.auth_time, approval.amr) == (signed_in, ("mfa",))
    assert (approval.reason, approval.decided_at) == ("yes", NOW + SECOND)


@pytest.mark.parametrize(
    ("requester", "approver", "verdict", "expected"),
    [
        (Grade.MANAGED, Grade.MANAGED, Action.APPROVE, Grade.MANAGED),
        (Grade.MANAGED, Grade.MANAGED, Action.DENY, Grade.MANAGED),
        (Grade.MANAGED, Grade.TRIAL, Action.APPROVE, Grade.TRIAL),
        (Grade.TRIAL, Grade.MANAGED, Action.DENY, Grade.TRIAL),
    ],
)
def test_an_approval_is_worth_what_the_least_of_its_identities_is_worth(requester, approver, verdict, expected):
    pending = asked(requester=replace(ALICE, grade=requester))
    decided = decide(pending, replace(BOB, grade=approver), verdict, "yes", NOW + SECOND)

    assert (pending.grade, decided.grade, decided.votes[0].grade) == (requester, expected, approver)


def test_a_vote_that_decided_nothing_takes_nothing_from_the_grade():
    pending = asked(requester=replace(ALICE, grade=Grade.MANAGED), count=2)

    denied = decide(approve(pending), replace(CAROL, grade=Grade.MANAGED), Action.DENY, "no", NOW + 2 * SECOND)

    assert denied.grade is Grade.MANAGED


def test_an_approval_from_before_grades_were_kept_has_none_unless_a_later_vote_is_a_trials():
    old = replace(asked(), requester_grade=None)

    assert old.grade is None
    assert approve(old, replace(BOB, grade=Grade.MANAGED)).grade is None
    assert approve(old, replace(BOB, grade=Grade.TRIAL)).grade is Grade.TRIAL


def test_two_logins_were_made_by_nobody_here():
    alice, bob = (replace(one, grade=Grade.MANAGED, minted_by="login") for one in (ALICE, BOB))

    assert approve(asked(requester=alice), bob).same_minter is False
    assert approve(asked(requester=replace(ALICE, minted_by="login")), bob).same_minter is False


def test_one_denial_is_enough():
    approval = decide(approve(asked(count=3)), CAROL, Action.DENY, "not on production", NOW + 2 * SECOND)

    assert approval.state is State.DENIED
    assert approval.approver == "local|carol"
    assert len(approval.votes) == 2


def test_two_people_must_agree_where_the_rule_says_two():
    once = approve(asked(count=2))
    twice = approve(once, CAROL)

    assert (once.state, once.missing, once.decided_at) == (State.PENDING, 1, None)
    assert (twice.state, twice.missing, twice.approver) == (State.APPROVED, 0, "local|bob, local|carol")


REFUSED = {
    "by the requester": (asked(requester=CAROL), CAROL, "yes", SECOND, "self_approval"),
    "by the requester under another subject": (
        asked(), caller("https://login.example|17", "data-owners", email=" Alice@Example.com"), "yes", SECOND, "self_approval",
    ),
    "by somebody who is not asked": (asked(), caller("dave", "engineering"), "yes", SECOND, "not_an_approver"),
    "by somebody without groups": (asked(), caller("dave"), "yes", SECOND, "not_an_approver"),
    "by the requester, who is not asked either": (asked(), ALICE, "yes", SECOND, "self_approval"),
    "where nobody is asked": (asked(groups=()), BOB, "yes", SECOND, "not_an_approver"),
    "without a reason": (asked(), BOB, " \n ", SECOND, "reason_missing"),
    "with a book": (asked(), BOB, "x" * (REASON_CHARACTERS + 1), SECOND, "reason_too_long"),
    "when its time is up": (asked(), BOB, "yes", timedelta(seconds=3600), "approval_expired"),
    "by an expired token": (asked(), caller("bob", "data-owners", lasts=SECOND), "yes", SECOND, "approver_expired"),
    "twice by one person": (approve(asked(count=2)), BOB, "yes", SECOND, "already_voted"),
    "twice by one person under another subject": (
        approve(asked(count=2)), caller("x|y", "data-owners", email="BOB@example.com"), "yes", SECOND, "already_voted",
    ),
    "when it is approved": (approve(asked()), CAROL, "yes", SECOND, "already_decided"),
    "when it is cancelled": (cancel(asked(), "gone", NOW), BOB, "yes", SECOND, "already_decided"),
}  # fmt: skip


@pytest.mark.parametrize("verdict", [Action.APPROVE, Action.DENY])
@pytest.mark.parametrize(("approval", "approver", "reason", "after", "code"), REFUSED.values(), ids=REFUSED)
def test_no_decision_is_taken(approval, approver, reason, after, code, verdict):
    with pytest.raises(DecisionRefused) as refused:
        decide(approval, approver, verdict, reason, NOW + after)

    assert refused.value.code == code
    assert refused.value.hint


@pytest.mark.parametrize("verdict", [Action.EXPIRE, Action.CANCEL])
def test_a_person_can_only_approve_or_deny(verdict):
    with pytest.raises(DecisionRefused, match="verdict_unknown"):
        decide(asked(), BOB, verdict, "yes", NOW)


@pytest.mark.parametrize(
    ("approver_minter", "requester_minter", "flagged"),
    [("alice-os", "alice-os", True), ("root", "alice-os", False), ("", "", False)],
)
def test_a_decision_between_two_tokens_of_one_minter_is_flagged(approver_minter, requester_minter, flagged):
    approval = asked(requester=replace(ALICE, minted_by=requester_minter))

    assert approve(approval, replace(BOB, minted_by=approver_minter)).same_minter is flagged


def test_everybody_but_the_requester_may_decide_where_everybody_is_asked():
    assert approve(asked(groups=("*",)), caller("dave")).state is State.APPROVED
    with pytest.raises(DecisionRefused, match="self_approval"):
        approve(asked(groups=("*",)), ALICE)


@pytest.mark.parametrize(
    ("person", "asked_for"), [(BOB, True), (CAROL, True), (ALICE, False), (caller("dave", "engineering"), False)]
)
def test_what_waits_for_me(person, asked_for):
    assert may_decide(asked(), person) is asked_for


def test_it_expires_at_its_end_and_not_before():
    end = NOW + timedelta(seconds=3600)

    assert expire(asked(), end).state is State.EXPIRED
    with pytest.raises(DecisionRefused, match="not_expired"):
        expire(asked(), end - timedelta(microseconds=1))


def test_a_cancelled_approval_keeps_why():
    approval = cancel(asked(), "the client left", NOW)

    assert (approval.state, approval.reason, approval.approver) == (State.CANCELLED, "the client left", "")


MOVES = {
    Action.APPROVE: approve,
    Action.DENY: lambda approval: decide(approval, CAROL, Action.DENY, "no", NOW),
    Action.EXPIRE: lambda approval: expire(approval, NOW + timedelta(days=1)),
    Action.CANCEL: lambda approval: cancel(approval, "gone", NOW),
}


@pytest.mark.parametrize("first", MOVES)
@pytest.mark.parametrize("second", MOVES)
def test_nothing_leaves_a_decided_state(first, second):
    decided = MOVES[first](asked())

    with pytest.raises(DecisionRefused, match="already_decided"):
        MOVES[second](decided)


@pytest.mark.parametrize("action", MOVES)
def test_every_move_is_in_the_table(action):
    assert MOVES[action](asked()).state is NEXT[State.PENDING, action]


def test_its_call_goes_on_once():
    released = release(approve(asked()), NOW + 2 * SECOND)

    assert released.released_at == NOW + 2 * SECOND
    with pytest.raises(DecisionRefused, match="already_released"):
        release(released, NOW + 3 * SECOND)


@pytest.mark.parametrize("approval", [asked(), expire(asked(), NOW + timedelta(days=1)), approve(asked(count=2))])
def test_a_call_does_not_go_on_without_approval(approval):
    with pytest.raises(DecisionRefused, match="not_approved"):
        release(approval, NOW + SECOND)


OTHER_APPROVERS = Approvers(("a",), 2)


@dataclass(frozen=True)
class Unrelated:
    """A rule from anywhere else."""

    id: str = "x"
    approvers: Approvers = OTHER_APPROVERS
    expires_seconds: int = 5
    scopes: tuple[str, ...] = ("exact",)
    most_minutes: int = 0


def test_any_rule_of_the_right_form_can_ask():
    approval = request(
        approval_id="ap",
        exchange_id="ex",
        rule=Unrelated(),
        requester=ALICE,
        payload_digest="",
        policy_digest="",
        now=NOW,
    )

    assert (approval.groups, approval.count, approval.expires_at) == (("a",), 2, NOW + 5 * SECOND)
