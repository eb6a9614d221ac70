"""What a person may do in the console, by the policies in force. Pure. Not whether one may decide an approval (approvals/).

    approver   whoever a rule of approval.yaml asks        sees what they may decide, what they decided, and what they asked for
    auditor    a group of identity.yaml, or the register    sees everything, changes nothing; that they looked is a record
    admin      a group of identity.yaml                     sees everything; takes back what was approved or still waits
Seeing all and changing nothing is what makes an auditor: who is both approver and auditor decides as an approver does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from addons.policy.matching import in_groups
from addons.policy.model import ApprovalRule, Policies, Then
from addons.tokens.caller import Caller

AUDITOR = "auditor"  # in the register


@dataclass(frozen=True, slots=True)
class Roles:
    rules: frozenset[str]  # the ids of rules that ask this person
    auditor: bool
    admin: bool

    @property
    def any(self) -> bool:
        return bool(self.rules) or self.sees_all

    @property
    def sees_all(self) -> bool:
        return self.auditor or self.admin

    @property
    def names(self) -> tuple[str, ...]:
        held = (("approver", self.rules), ("auditor", self.auditor), ("admin", self.admin))
        return tuple(name for name, has in held if has)


NOBODY = Roles(frozenset(), auditor=False, admin=False)


def roles_of(policies: Policies, caller: Caller, lent: Iterable[str] = (), given: Iterable[str] = ()) -> Roles:
    """lent: the groups that others let this person decide for; given: roles of the register.

    A job or a service is no person, and has no role.
    """
    if caller.workload:
        return NOBODY
    groups, named = (*caller.groups, *lent), policies.identity.roles
    return Roles(
        frozenset(rule.id for rule in policies.approval if rule.then is Then.HOLD and in_groups(groups, _asked(rule))),
        auditor=_within(caller, named.auditor) or AUDITOR in given,
        admin=_within(caller, named.admin),
    )


def _asked(rule: ApprovalRule) -> tuple[str, ...]:
    asks = rule.approvers
    return (*asks.groups, *(group for one in asks.also for group in one.groups), *asks.break_glass)


def may_see(roles: Roles, caller: Caller, *, rule: str, requester: str, approver: str) -> bool:
    """The columns of an approval; approver: who decided it, several joined with a comma and a blank."""
    return roles.sees_all or rule in roles.rules or caller.subject in {requester, *approver.split(", ")}


def _within(caller: Caller, groups: tuple[str, ...]) -> bool:
    """A role that no group is named for is nobody's; "*" is not understood here: not everybody is an auditor."""
    return not set(groups).isdisjoint(caller.groups)
