"""Standing in for an approver: a member of a group lets another person decide in that group's name for a while. Pure.

It gives nobody more than the giver has: only groups of one's own, never what was itself delegated, and never for one's own requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from addons.tokens.caller import Caller

LONGEST = timedelta(days=30)


class DelegationRefused(Exception):  # noqa: N818 - a decision, not a fault of ours
    """Nothing is delegated. code: for programs; hint: what to do about it."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(f"{code}: {hint}")
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Delegation:
    """A row of the store's `roles`, role "delegate:<group>"."""

    group: str
    given_by: str  # subject
    to: str  # subject
    given_at: datetime
    ends_at: datetime

    def holds_at(self, now: datetime) -> bool:
        return self.given_at <= now < self.ends_at


def delegate(giver: Caller, group: str, to: str, lasts: timedelta, now: datetime) -> Delegation:
    if group not in giver.groups:
        raise DelegationRefused("not_a_member", f"only a member of {group} may let somebody decide for it")
    if to == giver.subject:
        raise DelegationRefused("self_delegation", "name another person: you may decide for your group already")
    if "|" not in to or not to.isprintable() or len(to) > 300:
        raise DelegationRefused("subject_malformed", "name the person as issuer|subject: affidavit whoami shows it")
    if not timedelta(0) < lasts <= LONGEST:
        raise DelegationRefused("too_long", f"a delegation lasts up to {LONGEST.days} days; give it again when it ends")
    return Delegation(group, giver.subject, to, now, now + lasts)


def end(delegation: Delegation, by: str, now: datetime) -> Delegation:
    """Taken back by whoever gave it."""
    if by != delegation.given_by:
        raise DelegationRefused("not_yours", f"only {delegation.given_by} may take this back")
    return Delegation(
        delegation.group, delegation.given_by, delegation.to, delegation.given_at, min(now, delegation.ends_at)
    )


def standing_in(
    delegations: Iterable[Delegation], subject: str, requester: str, now: datetime
) -> tuple[Delegation, ...]:
    """What `subject` may decide for others now; not in the name of the very person who asks."""
    return tuple(one for one in delegations if one.to == subject and one.given_by != requester and one.holds_at(now))
