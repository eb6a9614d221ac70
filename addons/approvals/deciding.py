"""Who may decide an approval, and what their word does to it. Pure; not its life (state.py), not how many are needed (quorum.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from addons.approvals.delegations import Delegation, standing_in
from addons.approvals.quorum import EVERYONE, in_groups
from addons.approvals.state import (
    PLAIN,
    REASON_CHARACTERS,
    UNPROVEN,
    Action,
    Approval,
    Ballot,
    DecisionRefused,
    Proof,
    Review,
    Scope,
    State,
    Vote,
    move,
)
from addons.tokens.caller import Caller, Grade

VERDICTS = (Action.APPROVE, Action.DENY)


def _nobody(_token_id: str) -> bool:
    return False


def decide(
    approval: Approval,
    approver: Caller,
    verdict: Action,
    reason: str,
    now: datetime,
    *,
    ballot: Ballot = PLAIN,
    proof: Proof = UNPROVEN,
    delegations: Iterable[Delegation] = (),
    ended: Callable[[str], bool] = _nobody,
) -> Approval:
    """The approval after this vote: still pending while more people must agree; denied by a single denial.

    ended: whether the token with this id was taken back; what its owner said before does not count any more.
    """
    _check_decidable(approval, verdict, reason, now)
    approval = lapse(approval, ended)
    groups, on_behalf_of = _in_whose_name(approval, approver, ballot, delegations, now)
    _check_ballot(approval, verdict, ballot)
    vote = Vote(
        approver=approver.subject,
        email=approver.email,
        issuer=approver.subject.partition("|")[0],
        auth_time=proof.auth_time,
        amr=proof.amr,
        verdict=verdict,
        reason=reason.strip(),
        at=now,
        same_minter=approver.grade is Grade.TRIAL and approver.minted_by == approval.requester_minted_by != "",
        groups=groups,
        token_id=approver.token_id,
        session=proof.session,
        on_behalf_of=on_behalf_of,
        broke_glass=ballot.break_glass,
        scope=ballot.scope,
        minutes=ballot.minutes,
        grade=approver.grade,
    )
    voted = replace(approval, votes=(*approval.votes, vote))
    if verdict is Action.APPROVE and voted.missing > 0:
        return voted
    return move(voted, verdict, now, reason.strip())


def lapse(approval: Approval, ended: Callable[[str], bool]) -> Approval:
    """With the votes of those whose rights ended meanwhile marked: they do not count."""
    if not any(vote.token_id and not vote.lapsed and ended(vote.token_id) for vote in approval.votes):
        return approval
    votes = tuple(
        replace(vote, lapsed=vote.lapsed or bool(vote.token_id and ended(vote.token_id))) for vote in approval.votes
    )
    return replace(approval, votes=votes)


def stands(approval: Approval, ended: Callable[[str], bool]) -> bool:
    """Whether those who approved still may: a grant is not used on the word of somebody whose rights were taken away."""
    return not any(vote.token_id and ended(vote.token_id) for vote in approval.deciding)


def may_decide(
    approval: Approval, approver: Caller, delegations: Iterable[Delegation] = (), now: datetime | None = None
) -> bool:
    """Whether the person is one of those asked, at any time: for lists of what waits for me."""
    lent = standing_in(delegations, approver.subject, approval.requester, now) if now else ()
    groups = (*approver.groups, *(one.group for one in lent))
    return not _is_requester(approval, approver) and in_groups(groups, _asked(approval))


def may_break_glass(approval: Approval, approver: Caller) -> bool:
    return not _is_requester(approval, approver) and in_groups(approver.groups, approval.break_glass)


def review(approval: Approval, reviewer: Caller, reason: str, now: datetime, *, justified: bool) -> Approval:
    """What was approved by breaking the glass, looked at by one of those who should have been asked."""
    if not approval.broke_glass:
        raise DecisionRefused("nothing_to_review", "it was approved by those who were asked; nothing is to be reviewed")
    if approval.review is not None:
        raise DecisionRefused("already_reviewed", f"{approval.review.by} has reviewed it")
    _check_reason(reason)
    if any(_same_person(vote.approver, vote.email, reviewer) for vote in approval.deciding):
        raise DecisionRefused("self_review", "nobody reviews what they let through themselves; ask another person")
    _check_own_right(approval, reviewer, now)
    if not in_groups(reviewer.groups, _asked(approval)):
        raise DecisionRefused("not_an_approver", f"only {_either(_asked(approval))} may review this; ask one of them")
    return replace(approval, review=Review(reviewer.subject, now, reason.strip(), justified))


def _check_decidable(approval: Approval, verdict: Action, reason: str, now: datetime) -> None:
    if verdict not in VERDICTS:
        raise DecisionRefused("verdict_unknown", "expected approve or deny, got something else")
    if approval.state is not State.PENDING:
        raise DecisionRefused(
            "already_decided", f"the approval is {approval.state}; type: affidavit approvals show {approval.id}"
        )
    if now >= approval.expires_at:
        raise DecisionRefused("approval_expired", "its time is up; the requester has to send the request again")
    _check_reason(reason)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise DecisionRefused("reason_missing", 'say why in one sentence: --reason "…"')
    if len(reason) > REASON_CHARACTERS:
        raise DecisionRefused("reason_too_long", f"expected at most {REASON_CHARACTERS} characters; say it shorter")


def _check_own_right(approval: Approval, approver: Caller, now: datetime) -> None:
    if now >= approver.expires_at:
        raise DecisionRefused("approver_expired", "your own token has expired; type: affidavit login, or mint another")
    if _is_requester(approval, approver):
        raise DecisionRefused(
            "self_approval", f"nobody decides their own request; ask somebody else in {_either(_asked(approval))}"
        )


def _check_ballot(approval: Approval, verdict: Action, ballot: Ballot) -> None:
    if verdict is not Action.APPROVE:
        return
    if ballot.scope not in approval.scopes:
        listed = ", ".join(approval.scopes)
        raise DecisionRefused("scope_not_allowed", f"rule {approval.rule} allows scope {listed}; choose from these")
    windowed = ballot.scope is Scope.MINUTES
    if windowed and not 1 <= ballot.minutes <= approval.most_minutes:
        raise DecisionRefused(
            "minutes_out_of_range", f"rule {approval.rule} allows 1 to {approval.most_minutes} minutes"
        )
    if not windowed and ballot.minutes:
        raise DecisionRefused("minutes_out_of_range", "minutes belong to scope minutes; leave them out, or choose it")


def _in_whose_name(
    approval: Approval, approver: Caller, ballot: Ballot, delegations: Iterable[Delegation], now: datetime
) -> tuple[tuple[str, ...], str]:
    """The asked groups that the person speaks for, and who lent them; raises DecisionRefused where there is none."""
    _check_own_right(approval, approver, now)
    if any(_same_person(vote.approver, vote.email, approver) for vote in approval.votes if not vote.lapsed):
        raise DecisionRefused("already_voted", "your vote is counted; another person must agree too")
    if ballot.break_glass:
        if not in_groups(approver.groups, approval.break_glass):
            who = _either(approval.break_glass) if approval.break_glass else "nobody"
            raise DecisionRefused("not_an_approver", f"under rule {approval.rule} {who} may break the glass")
        return approver.groups, ""
    asked = _asked(approval)
    if in_groups(approver.groups, asked):
        return _spoken_for(approver.groups, asked), ""
    lent = [
        one
        for one in standing_in(delegations, approver.subject, approval.requester, now)
        if in_groups((one.group,), asked)
    ]
    if not lent:
        raise DecisionRefused("not_an_approver", f"only {_either(asked)} may decide this; ask one of them")
    if any(vote.approver == one.given_by and not vote.lapsed for vote in approval.votes for one in lent):
        raise DecisionRefused("already_voted", "the person you stand in for has voted; another must agree too")
    return tuple(dict.fromkeys(one.group for one in lent)), ", ".join(dict.fromkeys(one.given_by for one in lent))


def _asked(approval: Approval) -> tuple[str, ...]:
    return tuple(dict.fromkeys(group for quorum in approval.quorums for group in quorum.groups))


def _spoken_for(groups: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(group for group in groups if EVERYONE in asked or group in asked) or (EVERYONE,)


def _is_requester(approval: Approval, approver: Caller) -> bool:
    return _same_person(approval.requester, approval.requester_email, approver)


def _same_person(subject: str, email: str, other: Caller) -> bool:
    """By subject, or by address: one person may hold a local token and a login."""
    return subject == other.subject or (email != "" and email.strip().casefold() == other.email.strip().casefold())


def _either(groups: tuple[str, ...]) -> str:
    return "anybody identified" if EVERYONE in groups else f"group {' or '.join(groups)}"
