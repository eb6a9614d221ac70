"""An approval's permission to go on: one call, these bytes, this person. Pure; not the decision (state.py), not the storage.

A grant's id is made from its approval's, so that no approval can ever have two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from addons.approvals.state import Approval, Key, State

REQUEST_HINT = "send the request again to ask for an approval of its own"


class Scope(StrEnum):
    """What a grant covers; the `scope` column of the store."""

    EXACT = "exact"  # one call with these bytes


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
    used_at: datetime | None = None
    used_by: str = ""  # exchange id
    revoked_at: datetime | None = None

    @property
    def digest(self) -> str:
        """The payload it is for; the `digest` column."""
        return self.key.payload_digest

    def open_at(self, now: datetime) -> bool:
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


def grant(approval: Approval, now: datetime) -> Grant:
    """The one grant of an approved approval; it lasts as long as the approval."""
    if approval.state is not State.APPROVED:
        raise GrantRefused("not_approved", f"approval {approval.id} is {approval.state}; {REQUEST_HINT}")
    return Grant(
        id="gr_" + approval.id.partition("_")[2],
        approval_id=approval.id,
        key=approval.key,
        granted_at=now,
        expires_at=approval.expires_at,
    )


def use(granted: Grant, key: Key, exchange_id: str, now: datetime) -> Grant:
    """The grant, used. It must be on disk before the call goes on."""
    if granted.key != key:
        raise GrantRefused(
            "grant_mismatch", f"grant {granted.id} is for another person, rule, policy or request; {REQUEST_HINT}"
        )
    if granted.revoked_at is not None:
        raise GrantRefused("grant_revoked", f"grant {granted.id} was revoked; {REQUEST_HINT}")
    if granted.used_at is not None:
        raise GrantRefused("grant_used", f"grant {granted.id} was used by {granted.used_by}; {REQUEST_HINT}")
    if now >= granted.expires_at:
        raise GrantRefused("grant_expired", f"grant {granted.id} has expired; {REQUEST_HINT}")
    return replace(granted, used_at=now, used_by=exchange_id)


def revoke(granted: Grant, now: datetime) -> Grant:
    """Taken back before use. What was used stays used, and the first revocation stands."""
    if granted.used_at is not None:
        raise GrantRefused("grant_used", f"grant {granted.id} was used by {granted.used_by}; it cannot be taken back")
    return granted if granted.revoked_at is not None else replace(granted, revoked_at=now)


def open_grant(grants: Iterable[Grant], key: Key, now: datetime) -> Grant | None:
    """The grant that this request may use; of several, the one that expires first."""
    fitting = (granted for granted in grants if granted.key == key and granted.open_at(now))
    return min(fitting, key=lambda granted: (granted.expires_at, granted.id), default=None)
