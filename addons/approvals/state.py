"""The life of an approval. Pure values; not who may decide (deciding.py), not the waiting (console), not their storage (evidence).

        approve (the last vote needed) +----------+
  +--------------------------------->  | approved |   used by exactly one grant (grants.py)
  |                                    +----------+
  | pending --- deny ------>  denied
  |         --- expire ---->  expired         at `expires_at`, whether a flow still waits or not
  |         --- cancel ---->  cancelled       by the requester, or by the gateway

Nothing leaves the four states on the right. Source: the gateway's design, sections 4 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from addons.approvals.quorum import Quorum, still_asked, vacant
from addons.tokens.caller import Caller, Grade

REASON_CHARACTERS = 1000  # of a decision


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


class Scope(StrEnum):
    """What an approval lets through; the `scope` column of its grant."""

    EXACT = "exact"  # one call with these bytes
    SESSION = "session"  # calls of this conversation under this rule, while the approval lasts
    MINUTES = "minutes"  # calls of this person under this rule, for so many minutes


NEXT = {
    (State.PENDING, Action.APPROVE): State.APPROVED,
    (State.PENDING, Action.DENY): State.DENIED,
    (State.PENDING, Action.EXPIRE): State.EXPIRED,
    (State.PENDING, Action.CANCEL): State.CANCELLED,
}


class Seats(Protocol):
    """So many people of some groups; policy's Quorum is one."""

    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def count(self) -> int: ...


class Asked(Seats, Protocol):
    """Whom a rule asks; policy's Approvers is one."""

    @property
    def also(self) -> Iterable[Seats]: ...
    @property
    def break_glass(self) -> tuple[str, ...]: ...


class Rule(Protocol):
    """What a rule that holds must say; policy's ApprovalRule is one. The rooms do not know each other."""

    @property
    def id(self) -> str: ...
    @property
    def approvers(self) -> Asked: ...
    @property
    def expires_seconds(self) -> int: ...
    @property
    def scopes(self) -> Iterable[str]: ...
    @property
    def most_minutes(self) -> int: ...


class DecisionRefused(Exception):  # noqa: N818 - a decision, not a fault of ours
    """The approval does not change. code: for programs; hint: what to do about it."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"{code}: {hint}")
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Proof:
    """How and when a person proved to their issuer who they are: what matches the issuer's own log."""

    auth_time: datetime | None = None
    amr: tuple[str, ...] = ()  # RFC 8176
    session: str = ""  # the issuer's session id (OpenID Connect `sid`)


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a person says besides the verdict."""

    scope: Scope = Scope.EXACT
    minutes: int = 0  # of scope minutes
    break_glass: bool = False


PLAIN = Ballot()
UNPROVEN = Proof()  # a local token says nothing about how its bearer signed in


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
    same_minter: bool  # the same person made the requester's and the approver's token here: allowed, and to be shown; nobody makes a login
    groups: tuple[str, ...] = ()  # in whose name: of those the rule asks for
    token_id: str = ""
    session: str = ""  # the issuer's
    on_behalf_of: str = ""  # subject of whoever delegated it; "" by one's own right
    broke_glass: bool = False
    lapsed: bool = False  # the voter's rights ended before the others had voted: it does not count
    scope: Scope = Scope.EXACT
    minutes: int = 0
    grade: Grade | None = None  # of the voter's identity; None: not recorded then


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two requests one: asked again by the same person, under the same rule and policies, the same bytes."""

    requester: str
    rule: str
    payload_digest: str
    policy_digest: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A held tool call as approvers see it: masked."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class About:
    """What is put before the approvers besides the recorded request."""

    session_id: str = ""
    purpose: str = ""
    why: tuple[str, ...] = ()  # what of the rule fitted, in the policy's words
    shown: tuple[Shown, ...] = ()  # held tool calls
    view_digest: str = ""  # of the masked view: the recorded request and `shown`


@dataclass(frozen=True, slots=True)
class Review:
    """A second look at what was approved by breaking the glass."""

    by: str
    at: datetime
    reason: str
    justified: bool


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
    count: int  # how many different people of them must agree
    requested_at: datetime
    expires_at: datetime
    payload_digest: str
    policy_digest: str
    also: tuple[Quorum, ...] = ()  # others that must agree too
    break_glass: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = (Scope.EXACT,)
    most_minutes: int = 0
    about: About = About()
    state: State = State.PENDING
    votes: tuple[Vote, ...] = ()
    reason: str = ""  # of the decision; of a cancellation
    decided_at: datetime | None = None  # when the state stopped being pending
    released_at: datetime | None = None  # when the call went on
    review: Review | None = None
    requester_grade: Grade | None = None  # None: asked before this was recorded

    @property
    def key(self) -> Key:
        return Key(self.requester, self.rule, self.payload_digest, self.policy_digest)

    @property
    def quorums(self) -> tuple[Quorum, ...]:
        return (Quorum(self.groups, self.count), *self.also)

    @property
    def approver(self) -> str:
        """Who decided; several are joined with a comma and a blank. "" while nobody did."""
        return ", ".join(vote.approver for vote in self.deciding)

    @property
    def approver_issuer(self) -> str:
        return ", ".join(dict.fromkeys(vote.issuer for vote in self.deciding))

    @property
    def auth_time(self) -> datetime | None:
        """When the deciding person last proved who they are; of several, the longest ago."""
        return min((vote.auth_time for vote in self.deciding if vote.auth_time is not None), default=None)

    @property
    def amr(self) -> tuple[str, ...]:
        """How the deciding people proved who they are (RFC 8176)."""
        return tuple(dict.fromkeys(method for vote in self.deciding for method in vote.amr))

    @property
    def grade(self) -> Grade | None:
        """What it is worth as evidence: `managed` where an issuer vouches for the requester and for everybody who decided. None: unknown."""
        grades = {self.requester_grade, *(vote.grade for vote in self.deciding)}
        return Grade.TRIAL if Grade.TRIAL in grades else None if None in grades else Grade.MANAGED

    @property
    def same_minter(self) -> bool:
        return any(vote.same_minter for vote in self.deciding)

    @property
    def missing(self) -> int:
        """How many people must still agree."""
        agreed = self._agreed
        return 0 if any(vote.broke_glass for vote in agreed) else vacant(self.quorums, self._seats(agreed))

    @property
    def missing_groups(self) -> tuple[str, ...]:
        return still_asked(self.quorums, self._seats(self._agreed))

    @property
    def broke_glass(self) -> bool:
        return any(vote.broke_glass for vote in self.deciding)

    @property
    def review_due(self) -> bool:
        return self.broke_glass and self.review is None

    @property
    def deciding(self) -> tuple[Vote, ...]:
        decides = {State.APPROVED: Action.APPROVE, State.DENIED: Action.DENY}.get(self.state)
        return tuple(vote for vote in self.votes if vote.verdict is decides and not vote.lapsed)

    @property
    def scope(self) -> Scope:
        """What all who approved allow: where they differ, one exact call."""
        scopes = {vote.scope for vote in self._agreed}
        return scopes.pop() if len(scopes) == 1 else Scope.EXACT

    @property
    def minutes(self) -> int:
        return min((vote.minutes for vote in self._agreed), default=0)

    @property
    def _agreed(self) -> tuple[Vote, ...]:
        return tuple(vote for vote in self.votes if vote.verdict is Action.APPROVE and not vote.lapsed)

    def _seats(self, votes: tuple[Vote, ...]) -> list[tuple[str, ...]]:
        return [vote.groups or self.groups for vote in votes]


def request(
    *,
    approval_id: str,
    exchange_id: str,
    rule: Rule,
    requester: Caller,
    payload_digest: str,
    policy_digest: str,
    now: datetime,
    about: About | None = None,
) -> Approval:
    """A pending approval under a rule that holds."""
    return Approval(
        id=approval_id,
        exchange_id=exchange_id,
        rule=rule.id,
        requester=requester.subject,
        requester_email=requester.email,
        requester_minted_by=requester.minted_by,
        requester_grade=requester.grade,
        groups=rule.approvers.groups,
        count=rule.approvers.count,
        also=tuple(Quorum(one.groups, one.count) for one in rule.approvers.also),
        break_glass=rule.approvers.break_glass,
        scopes=tuple(Scope(scope) for scope in rule.scopes),
        most_minutes=rule.most_minutes,
        about=about or About(),
        requested_at=now,
        expires_at=now + timedelta(seconds=rule.expires_seconds),
        payload_digest=payload_digest,
        policy_digest=policy_digest,
    )


def expire(approval: Approval, now: datetime) -> Approval:
    if now < approval.expires_at:
        raise DecisionRefused("not_expired", "it may still be decided; wait until expires_at, or cancel it")
    return move(approval, Action.EXPIRE, now, "nobody decided in time")


def cancel(approval: Approval, reason: str, now: datetime) -> Approval:
    """Taken back by the requester, or by the gateway; who may ask for it is checked where the asking is."""
    return move(approval, Action.CANCEL, now, reason.strip()[:REASON_CHARACTERS])


def release(approval: Approval, now: datetime) -> Approval:
    """The call went on: once, unless the approval is for more than one call; then the first time counts."""
    if approval.state is not State.APPROVED:
        raise DecisionRefused("not_approved", f"the approval is {approval.state}; only an approved call goes on")
    if approval.released_at is None:
        return replace(approval, released_at=now)
    if approval.scope is Scope.EXACT:
        raise DecisionRefused("already_released", "its call went on before; send the request again to ask anew")
    return approval


def move(approval: Approval, action: Action, now: datetime, reason: str) -> Approval:
    state = NEXT.get((approval.state, action))
    if state is None:
        raise DecisionRefused(
            "already_decided", f"the approval is {approval.state}; type: affidavit approvals show {approval.id}"
        )
    return replace(approval, state=state, reason=reason, decided_at=now)
