"""addons/approvals: several groups, people who stand in, rights that ended, the broken glass and its review."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.approvals.alarms import WINDOW, HoldRate
from addons.approvals.deciding import decide, lapse, may_decide, review, stands
from addons.approvals.delegations import LONGEST, Delegation, DelegationRefused, delegate, end
from addons.approvals.quorum import Quorum, still_asked, vacant
from addons.approvals.state import Action, Ballot, DecisionRefused, Scope, State, request
from addons.policy.model import ApprovalRule, Approvers, Direction, Then, When
from addons.policy.model import Quorum as Also
from addons.tokens.caller import Caller, Grade

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def caller(name: str, *groups: str) -> Caller:
    return Caller(f"local|{name}", "", groups, "afd_token", f"tk_{name}", Grade.TRIAL, "", NOW + 8 * HOUR, "")


ALICE = caller("alice", "engineering")
BOB = caller("bob", "owners")
CAROL = caller("carol", "owners", "security")
DAVE = caller("dave", "security")
ERIN = caller("erin", "on-call")


def asked(approvers: Approvers, **more):
    rule = ApprovalRule("r", When(Direction.REQUEST), Then.HOLD, approvers, 10, 7200, "", **more)
    return request(
        approval_id="ap_1",
        exchange_id="ex_1",
        rule=rule,
        requester=ALICE,
        payload_digest="p",
        policy_digest="q",
        now=NOW,
    )


TWO_GROUPS = Approvers(("owners",), 1, (Also(("security",), 1),), ("on-call",))


def vote(approval, who, verdict=Action.APPROVE, **more):
    return decide(approval, who, verdict, "because", NOW + timedelta(minutes=1), **more)


# ---- quorum


@pytest.mark.parametrize("order", [(CAROL, BOB, DAVE), (BOB, DAVE), (DAVE, CAROL), (CAROL, DAVE)])
def test_both_groups_must_agree_and_nobody_sits_on_two_seats(order):
    approval = asked(TWO_GROUPS)
    for who in order[:2]:
        assert approval.state is State.PENDING
        approval = vote(approval, who)

    assert approval.state is State.APPROVED


def test_one_person_of_both_groups_is_one_person():
    approval = vote(asked(TWO_GROUPS), CAROL)

    assert (approval.state, approval.missing) == (State.PENDING, 1)
    with pytest.raises(DecisionRefused, match="already_voted"):
        vote(approval, CAROL)


def test_who_is_still_asked_is_told_by_group():
    assert vote(asked(TWO_GROUPS), BOB).missing_groups == ("security",)
    assert vote(asked(TWO_GROUPS), CAROL).missing_groups == ("owners", "security")


def test_one_denial_is_enough():
    assert vote(vote(asked(TWO_GROUPS), BOB), DAVE, Action.DENY).state is State.DENIED


GROUP = st.sampled_from("abc")
QUORUMS = st.lists(
    st.builds(Quorum, st.lists(GROUP, min_size=1, max_size=2, unique=True).map(tuple), st.integers(1, 2)),
    min_size=1,
    max_size=2,
)
VOTERS = st.lists(st.lists(GROUP, max_size=2, unique=True).map(tuple), max_size=4)


@given(QUORUMS, VOTERS)
def test_as_many_sit_as_any_seating_allows(quorums, voters):
    seats = [quorum.groups for quorum in quorums for _ in range(quorum.count)]

    def most(seat: int, free: frozenset[int]) -> int:
        if seat == len(seats):
            return 0
        fitting = [v for v in free if set(voters[v]) & set(seats[seat])]
        return max([most(seat + 1, free), *(1 + most(seat + 1, free - {v}) for v in fitting)])

    assert vacant(quorums, voters) == len(seats) - most(0, frozenset(range(len(voters))))


@given(QUORUMS, VOTERS)
def test_a_group_that_is_asked_would_fill_a_seat(quorums, voters):
    for group in still_asked(quorums, voters):
        assert vacant(quorums, [*voters, (group,)]) == vacant(quorums, voters) - 1


# ---- delegates

LENT = Delegation("owners", "local|bob", "local|zoe", NOW, NOW + HOUR)
ZOE = caller("zoe", "engineering")


def test_a_delegate_decides_in_the_name_of_who_lent_it():
    approval = vote(asked(Approvers(("owners",))), ZOE, delegations=(LENT,))

    (word,) = approval.votes
    assert (approval.state, word.on_behalf_of, word.groups) == (State.APPROVED, "local|bob", ("owners",))


@pytest.mark.parametrize(
    ("lent", "code"),
    [
        (replace(LENT, given_by="local|alice"), "not_an_approver"),  # by the very person who asks
        (replace(LENT, ends_at=NOW + timedelta(minutes=1)), "not_an_approver"),
        (replace(LENT, given_at=NOW + HOUR, ends_at=NOW + 2 * HOUR), "not_an_approver"),
        (replace(LENT, to="local|yan"), "not_an_approver"),
        (replace(LENT, group="security"), "not_an_approver"),
        (replace(LENT, to="local|alice"), "not_an_approver"),
    ],
    ids=["lent by the requester", "ended", "not begun", "to another", "another group", "to nobody who votes"],
)
def test_what_is_not_lent_gives_no_right(lent, code):
    with pytest.raises(DecisionRefused, match=code):
        vote(asked(Approvers(("owners",))), ZOE, delegations=(lent,))


def test_the_requester_is_no_delegate_in_their_own_case():
    with pytest.raises(DecisionRefused, match="self_approval"):
        vote(asked(Approvers(("owners",))), ALICE, delegations=(replace(LENT, to="local|alice"),))


def test_who_lends_and_who_borrows_have_one_vote_together():
    approval = vote(asked(Approvers(("owners",), 2)), BOB)

    with pytest.raises(DecisionRefused, match="already_voted"):
        vote(approval, ZOE, delegations=(LENT,))


def test_who_borrows_is_told_what_waits_for_them():
    approval = asked(Approvers(("owners",)))

    assert may_decide(approval, ZOE, (LENT,), NOW)
    assert not may_decide(approval, ZOE, (LENT,), NOW + 2 * HOUR)
    assert not may_decide(approval, ZOE)


@pytest.mark.parametrize(
    ("group", "to", "lasts", "code"),
    [
        ("security", "local|zoe", HOUR, "not_a_member"),
        ("owners", "local|bob", HOUR, "self_delegation"),
        ("owners", "zoe", HOUR, "subject_malformed"),
        ("owners", "local|zoe\x1b[2J", HOUR, "subject_malformed"),
        ("owners", "local|zoe", LONGEST + HOUR, "too_long"),
        ("owners", "local|zoe", timedelta(0), "too_long"),
    ],
)
def test_nobody_lends_more_than_they_have(group, to, lasts, code):
    with pytest.raises(DelegationRefused, match=code):
        delegate(BOB, group, to, lasts, NOW)


def test_what_was_lent_can_be_taken_back_by_its_giver_alone():
    assert not end(LENT, "local|bob", NOW + timedelta(minutes=5)).holds_at(NOW + timedelta(minutes=5))
    with pytest.raises(DelegationRefused, match="not_yours"):
        end(LENT, "local|zoe", NOW)


# ---- rights that ended


def gone(*names):
    return {f"tk_{name}" for name in names}.__contains__


def test_a_vote_does_not_count_once_its_voter_lost_their_rights():
    approval = vote(asked(Approvers(("owners",), 2)), BOB)

    after = vote(approval, CAROL, ended=gone("bob"))

    assert (after.state, after.missing, [one.lapsed for one in after.votes]) == (State.PENDING, 1, [True, False])
    frank = vote(after, caller("frank", "owners"), ended=gone("bob"))
    assert (frank.state, frank.approver) == (State.APPROVED, "local|carol, local|frank")


def test_what_was_approved_does_not_stand_on_the_word_of_somebody_who_may_not_any_more():
    approval = vote(asked(Approvers(("owners",))), BOB)

    assert stands(approval, gone("carol"))
    assert not stands(approval, gone("bob"))
    assert lapse(approval, gone("carol")) is approval


# ---- break-glass


def test_one_of_the_break_glass_group_approves_alone_flagged():
    approval = vote(asked(TWO_GROUPS), ERIN, ballot=Ballot(break_glass=True))

    assert (approval.state, approval.broke_glass, approval.review_due) == (State.APPROVED, True, True)


@pytest.mark.parametrize(
    ("who", "ballot", "code"),
    [
        (ERIN, Ballot(), "not_an_approver"),  # it has to be said
        (BOB, Ballot(break_glass=True), "not_an_approver"),
        (replace(ALICE, groups=("on-call",)), Ballot(break_glass=True), "self_approval"),
    ],
)
def test_the_glass_is_broken_by_its_group_knowingly_and_not_for_oneself(who, ballot, code):
    with pytest.raises(DecisionRefused, match=code):
        vote(asked(TWO_GROUPS), who, ballot=ballot)


def test_a_rule_without_break_glass_has_none():
    with pytest.raises(DecisionRefused, match="nobody may break the glass"):
        vote(asked(Approvers(("owners",))), ERIN, ballot=Ballot(break_glass=True))


def test_a_review_is_by_one_who_should_have_been_asked():
    broken = vote(asked(TWO_GROUPS), ERIN, ballot=Ballot(break_glass=True))

    reviewed = review(broken, DAVE, "an incident, ticket 4", NOW + HOUR, justified=True)

    assert (reviewed.review.by, reviewed.review_due, reviewed.state) == ("local|dave", False, State.APPROVED)
    for who, code in (
        (ERIN, "self_review"),
        (ALICE, "self_approval"),
        (caller("eve", "engineering"), "not_an_approver"),
    ):
        with pytest.raises(DecisionRefused, match=code):
            review(broken, who, "fine", NOW + HOUR, justified=True)
    with pytest.raises(DecisionRefused, match="already_reviewed"):
        review(reviewed, CAROL, "again", NOW + HOUR, justified=False)
    with pytest.raises(DecisionRefused, match="nothing_to_review"):
        review(vote(asked(Approvers(("owners",))), BOB), DAVE, "fine", NOW + HOUR, justified=True)


# ---- scopes

WIDE = {"scopes": (Scope.EXACT, Scope.SESSION, Scope.MINUTES), "most_minutes": 30}


@pytest.mark.parametrize(
    ("ballot", "code"),
    [
        (Ballot(Scope.MINUTES, 31), "minutes_out_of_range"),
        (Ballot(Scope.MINUTES, 0), "minutes_out_of_range"),
        (Ballot(Scope.SESSION, 5), "minutes_out_of_range"),
    ],
)
def test_minutes_have_a_stated_most(ballot, code):
    with pytest.raises(DecisionRefused, match=code):
        vote(asked(Approvers(("owners",)), **WIDE), BOB, ballot=ballot)


def test_a_scope_that_the_rule_does_not_offer_is_refused():
    with pytest.raises(DecisionRefused, match="scope_not_allowed"):
        vote(asked(Approvers(("owners",))), BOB, ballot=Ballot(Scope.SESSION))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Ballot(Scope.MINUTES, 20), Ballot(Scope.MINUTES, 10), (Scope.MINUTES, 10)),
        (Ballot(Scope.SESSION), Ballot(Scope.SESSION), (Scope.SESSION, 0)),
        (Ballot(Scope.SESSION), Ballot(), (Scope.EXACT, 0)),
        (Ballot(Scope.SESSION), Ballot(Scope.MINUTES, 5), (Scope.EXACT, 0)),
    ],
)
def test_where_approvers_differ_the_narrowest_holds(first, second, expected):
    approval = asked(Approvers(("owners",), 2), **WIDE)

    both = vote(vote(approval, BOB, ballot=first), CAROL, ballot=second)

    assert (both.scope, both.minutes if both.scope is Scope.MINUTES else 0) == expected


# ---- alarms


def test_one_hold_too_many_in_ten_minutes_is_one_alarm():
    rate = HoldRate()

    assert [rate.held("r", 3, NOW + timedelta(seconds=n)) for n in range(6)] == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]


def test_holds_that_are_spread_out_alarm_nobody_and_rules_are_counted_apart():
    rate = HoldRate()

    assert not any(rate.held("r", 3, NOW + n * WINDOW / 3) for n in range(20))
    assert not any(rate.held(f"r{n}", 3, NOW) for n in range(20))


def test_an_alarm_sounds_again_when_it_goes_on():
    rate = HoldRate()

    assert sum(rate.held("r", 3, NOW + timedelta(seconds=n)) for n in range(1801)) == 3
