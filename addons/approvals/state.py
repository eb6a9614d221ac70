"""The life of an approval, and who may decide it. Pure values; not the waiting (console), not their storage (evidence).

        approve (the last of `count` votes)   +----------+
  +---------------------------------------->  | approved |   used by exactly one grant (grants.py)
  |                                           +----------+
  | pending --- deny ------>  denied
  |         --- expire ---->  expired         at `expires_at`, whether a flow still waits or not
  |         --- cancel ---->  cancelled       by the requester, or by the gateway

Nothing leaves the four states on the right. Source: the gateway's design, sections 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from addons.tokens.caller import Caller

EVERYONE = "*"
REASON_CHARACTERS = 1000


class State(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Action(StrEnum):
    APPROVE = "approve"
    DENY = "deny"
    EXPIRE = "expire"
    CANCEL = "cancel"


NEXT = {
    (State.PENDING, Action.APPROVE): State.APPROVED,
    (State.PENDING, Action.DENY): State.DENIED,
    (State.PENDING, Action.EXPIRE): State.EXPIRED,
    (State.PENDING, Action.CANCEL): State.CANCELLED,
}

VERDICTS = (Action.APPROVE, Action.DENY)


class Asked(Protocol):
    """Whom a rule asks; policy's Approvers is one."""

    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def count(self) -> int: ...


class Rule(Protocol):
    """What a rule that holds must say; policy's ApprovalRule is one. The rooms do not know each other."""

    @property
    def id(self) -> str: ...
    @property
    def approvers(self) -> Asked: ...
    @property
    def expires_seconds(self) -> int: ...


class DecisionRefused(Exception):  # noqa: N818 - a decision, not a fault of ours
    """The approval does not change. code: for programs; hint: what to do about it."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"{code}: {hint}")
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's word."""

    approver: str
    email: str
    issuer: str
    auth_time: datetime | None
    amr: tuple[str, ...]
    verdict: Action
    reason: str
    at: datetime
    same_minter: bool  # the same person made the requester's and the approver's token: allowed, and to be shown


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two requests one: asked again by the same person, under the same rule and policies, the same bytes."""

    requester: str
    rule: str
    payload_digest: str
    policy_digest: str


@dataclass(frozen=True, slots=True)
class Approval:
    """The columns of the store's `approvals`, and what deciding needs besides."""

    id: str
    exchange_id: str  # the first flow that asked
    rule: str
    requester: str
    requester_email: str
    requester_minted_by: str
    groups: tuple[str, ...]  # who may decide
    count: int  # how many different people must agree
    requested_at: datetime
    expires_at: datetime
    payload_digest: str
    policy_digest: str
    state: State = State.PENDING
    votes: tuple[Vote, ...] = ()
    reason: str = ""  # of the decision; of a cancellation
    decided_at: datetime | None = None  # when the state stopped being pending
    released_at: datetime | None = None  # when the call went on

    @property
    def key(self) -> Key:
        return Key(self.requester, self.rule, self.payload_digest, self.policy_digest)

    @property
    def approver(self) -> str:
        """Who decided; several are joined with a comma and a blank. "" while nobody did."""
        return ", ".join(vote.approver for vote in self._deciding)

    @property
    def approver_issuer(self) -> str:
        return ", ".join(dict.fromkeys(vote.issuer for vote in self._deciding))

    @property
    def auth_time(self) -> datetime | None:
        """When the deciding person last proved who they are; of several, the longest ago."""
        return min((vote.auth_time for vote in self._deciding if vote.auth_time is not None), default=None)

    @property
    def amr(self) -> tuple[str, ...]:
        """How the deciding people proved who they are (RFC 8176)."""
        return tuple(dict.fromkeys(method for vote in self._deciding for method in vote.amr))

    @property
    def same_minter(self) -> bool:
        return any(vote.same_minter for vote in self._deciding)

    @property
    def missing(self) -> int:
        """How many people must still agree."""
        return self.count - sum(vote.verdict is Action.APPROVE for vote in self.votes)

    @property
    def _deciding(self) -> tuple[Vote, ...]:
        decides = {State.APPROVED: Action.APPROVE, State.DENIED: Action.DENY}.get(self.state)
        return tuple(vote for vote in self.votes if vote.verdict is decides)


def request(
    *,
    approval_id: str,
    exchange_id: str,
    rule: Rule,
    requester: Caller,
    payload_digest: str,
    policy_digest: str,
    now: datetime,
) -> Approval:
    """A pending approval under a rule that holds."""
    return Approval(
        id=approval_id,
        exchange_id=exchange_id,
        rule=rule.id,
        requester=requester.subject,
        requester_email=requester.email,
        requester_minted_by=requester.minted_by,
        groups=rule.approvers.groups,
        count=rule.approvers.count,
        requested_at=now,
        expires_at=now + timedelta(seconds=rule.expires_seconds),
        payload_digest=payload_digest,
        policy_digest=policy_digest,
    )


def decide(
    approval: Approval,
    approver: Caller,
    verdict: Action,
    reason: str,
    now: datetime,
    *,
    auth_time: datetime | None = None,
    amr: tuple[str, ...] = (),
) -> Approval:
    """The approval after this vote: still pending while more people must agree; denied by a single denial."""
    _check_decidable(approval, verdict, reason, now)
    _check_approver(approval, approver, now)
    vote = Vote(
        approver=approver.subject,
        email=approver.email,
        issuer=approver.subject.partition("|")[0],
        auth_time=auth_time,
        amr=amr,
        verdict=verdict,
        reason=reason.strip(),
        at=now,
        same_minter=approver.minted_by != "" and approver.minted_by == approval.requester_minted_by,
    )
    voted = replace(approval, votes=(*approval.votes, vote))
    if verdict is Action.APPROVE and voted.missing > 0:
        return voted
    return _move(voted, verdict, now, reason.strip())


def may_decide(approval: Approval, approver: Caller) -> bool:
    """Whether the person is one of those asked, at any time: for lists of what waits for me."""
    return not _is_requester(approval, approver) and _in_groups(approver.groups, approval.groups)


def expire(approval: Approval, now: datetime) -> Approval:
    if now < approval.expires_at:
        raise DecisionRefused("not_expired", "it may still be decided; wait until expires_at, or cancel it")
    return _move(approval, Action.EXPIRE, now, "nobody decided in time")


def cancel(approval: Approval, reason: str, now: datetime) -> Approval:
    """Taken back by the requester, or by the gateway; who may ask for it is checked where the asking is."""
    return _move(approval, Action.CANCEL, now, reason.strip()[:REASON_CHARACTERS])


def release(approval: Approval, now: datetime) -> Approval:
    """The call went on, once."""
    if approval.state is not State.APPROVED:
        raise DecisionRefused("not_approved", f"the approval is {approval.state}; only an approved call goes on")
    if approval.released_at is not None:
        raise DecisionRefused("already_released", "its call went on before; send the request again to ask anew")
    return replace(approval, released_at=now)


def _move(approval: Approval, action: Action, now: datetime, reason: str) -> Approval:
    state = NEXT.get((approval.state, action))
    if state is None:
        raise DecisionRefused(
            "already_decided", f"the approval is {approval.state}; type: affidavit approvals show {approval.id}"
        )
    return replace(approval, state=state, reason=reason, decided_at=now)


def _check_decidable(approval: Approval, verdict: Action, reason: str, now: datetime) -> None:
    if verdict not in VERDICTS:
        raise DecisionRefused("verdict_unknown", "expected approve or deny, got something else")
    if approval.state is not State.PENDING:
        raise DecisionRefused(
            "already_decided", f"the approval is {approval.state}; type: affidavit approvals show {approval.id}"
        )
    if now >= approval.expires_at:
        raise DecisionRefused("approval_expired", "its time is up; the requester has to send the request again")
    if not reason.strip():
        raise DecisionRefused("reason_missing", 'say why in one sentence: --reason "…"')
    if len(reason) > REASON_CHARACTERS:
        raise DecisionRefused("reason_too_long", f"expected at most {REASON_CHARACTERS} characters; say it shorter")


def _check_approver(approval: Approval, approver: Caller, now: datetime) -> None:
    if now >= approver.expires_at:
        raise DecisionRefused("approver_expired", "your own token has expired; type: affidavit login, or mint another")
    if _is_requester(approval, approver):
        raise DecisionRefused(
            "self_approval", f"nobody decides their own request; ask somebody else in {_either(approval.groups)}"
        )
    if not _in_groups(approver.groups, approval.groups):
        raise DecisionRefused("not_an_approver", f"only {_either(approval.groups)} may decide this; ask one of them")
    if any(_same_person(vote.approver, vote.email, approver) for vote in approval.votes):
        raise DecisionRefused("already_voted", "your vote is counted; another person must agree too")


def _is_requester(approval: Approval, approver: Caller) -> bool:
    return _same_person(approval.requester, approval.requester_email, approver)


def _same_person(subject: str, email: str, other: Caller) -> bool:
    """By subject, or by address: one person may hold a local token and a login."""
    return subject == other.subject or (email != "" and email.strip().casefold() == other.email.strip().casefold())


def _in_groups(groups: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return EVERYONE in wanted or not set(wanted).isdisjoint(groups)


def _either(groups: tuple[str, ...]) -> str:
    return "anybody identified" if EVERYONE in groups else f"group {' or '.join(groups)}"
