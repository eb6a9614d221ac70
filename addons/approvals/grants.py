"""An approval's permission to go on: this person, this rule, these policies, and as much as its scope covers. Pure.

Not the decision (state.py), not the storage. A grant's id is made from its approval's, so that no approval can ever have two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from addons.approvals.state import Approval, Key, Scope, State

REQUEST_HINT = "send the request again to ask for an approval of its own"


class GrantRefused(Exception):  # noqa: N818 - a decision, not a fault of ours
    """The call does not go on under this grant. code: for programs; hint: what to do about it."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"{code}: {hint}")
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Grant:
    """The columns of the store's `grants`, and what it is bound to."""

    id: str  # "gr_" + the UUID of its approval
    approval_id: str
    key: Key
    granted_at: datetime
    expires_at: datetime
    scope: Scope = Scope.EXACT
    session_id: str = ""  # of scope session: the conversation
    used_at: datetime | None = None  # the last time
    used_by: str = ""  # exchange id, of the last time
    revoked_at: datetime | None = None

    @property
    def digest(self) -> str:
        """The payload that was shown; the `digest` column."""
        return self.key.payload_digest

    def covers(self, key: Key, session_id: str) -> bool:
        """Whether a request is what was granted: the same person, rule and policies always; then by scope."""
        if key == self.key or self.scope is Scope.EXACT:
            return key == self.key
        same = replace(key, payload_digest=self.key.payload_digest) == self.key
        return same and (self.scope is Scope.MINUTES or (self.session_id != "" and session_id == self.session_id))

    def open_at(self, now: datetime) -> bool:
        spent = self.scope is Scope.EXACT and self.used_at is not None
        return not spent and self.revoked_at is None and now < self.expires_at


def grant(approval: Approval, now: datetime) -> Grant:
    """The one grant of an approved approval. It lasts as long as the approval; of scope minutes, so many from now and not longer."""
    if approval.state is not State.APPROVED:
        raise GrantRefused("not_approved", f"approval {approval.id} is {approval.state}; {REQUEST_HINT}")
    scope = approval.scope
    if scope is Scope.SESSION and not approval.about.session_id:
        scope = Scope.EXACT
    return Grant(
        id="gr_" + approval.id.partition("_")[2],
        approval_id=approval.id,
        key=approval.key,
        granted_at=now,
        expires_at=min(now + timedelta(minutes=approval.minutes), approval.expires_at)
        if scope is Scope.MINUTES
        else approval.expires_at,
        scope=scope,
        session_id=approval.about.session_id if scope is Scope.SESSION else "",
    )


def use(granted: Grant, key: Key, exchange_id: str, now: datetime, session_id: str = "") -> Grant:
    """The grant, used. It must be on disk before the call goes on.

    The conversation of scope session is the one of the first call that goes on: a call that was told to come again begins another.
    """
    if not granted.covers(key, session_id):
        raise GrantRefused(
            "grant_mismatch", f"grant {granted.id} is for another person, rule, policy or request; {REQUEST_HINT}"
        )
    if granted.revoked_at is not None:
        raise GrantRefused("grant_revoked", f"grant {granted.id} was revoked; {REQUEST_HINT}")
    if granted.scope is Scope.EXACT and granted.used_at is not None:
        raise GrantRefused("grant_used", f"grant {granted.id} was used by {granted.used_by}; {REQUEST_HINT}")
    if now >= granted.expires_at:
        raise GrantRefused("grant_expired", f"grant {granted.id} has expired; {REQUEST_HINT}")
    first = granted.scope is Scope.SESSION and granted.used_at is None
    return replace(
        granted, used_at=now, used_by=exchange_id, session_id=session_id if first and session_id else granted.session_id
    )


def revoke(granted: Grant, now: datetime) -> Grant:
    """Taken back; what was used stays used, and the first revocation stands."""
    if granted.scope is Scope.EXACT and granted.used_at is not None:
        raise GrantRefused("grant_used", f"grant {granted.id} was used by {granted.used_by}; it cannot be taken back")
    return granted if granted.revoked_at is not None else replace(granted, revoked_at=now)


def open_grant(grants: Iterable[Grant], key: Key, now: datetime, session_id: str = "") -> Grant | None:
    """The grant that this request may use: first one of its own, then the one that expires first."""
    fitting = (granted for granted in grants if granted.open_at(now) and granted.covers(key, session_id))
    return min(
        fitting, key=lambda granted: (granted.scope is not Scope.EXACT, granted.expires_at, granted.id), default=None
    )
