"""What can be asked about approvals, once it is known who asks: deciding, standing in, reviewing, receipts. Not transport, not rules.

decide      body of an approve or deny: reason, scope (exact session minutes), minutes, break_glass
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from addons.approvals.delegations import Delegation
from addons.approvals.state import UNPROVEN, Action, Approval, Ballot, DecisionRefused, Proof, Scope, State
from addons.console import readings
from addons.console.desk import Desk
from addons.console.shapes import approval_shape, delegation_shape
from addons.console.waiting import ApprovalUnknown
from addons.tokens.caller import Caller

DECISION = {"reason": str, "scope": str, "minutes": int, "break_glass": bool}
REVIEW = {"reason": str, "justified": bool}
DELEGATION = {"group": str, "to": str, "seconds": int}
DELEGATION_END = {"group": str, "to": str}


async def decide(
    desk: Desk,
    approver: Caller,
    approval_id: str,
    verdict: Action,
    said: Mapping[str, Any],
    proof: Proof = UNPROVEN,
) -> dict[str, Any]:
    scope = said.get("scope", Scope.EXACT.value)
    if scope not in list(Scope):
        raise DecisionRefused("scope_unknown", f"choose one of {', '.join(Scope)}")
    ballot = Ballot(Scope(scope), said.get("minutes", 0), said.get("break_glass", False))
    return approval_shape(await desk.decide(approval_id, approver, verdict, said["reason"], ballot=ballot, proof=proof))


async def review(desk: Desk, reviewer: Caller, approval_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return approval_shape(await desk.waiting.review(approval_id, reviewer, said["reason"], justified=said["justified"]))


async def delegate(desk: Desk, giver: Caller, said: Mapping[str, Any]) -> dict[str, Any]:
    lasts = timedelta(seconds=min(said["seconds"], 366 * 86_400))
    return delegation_shape(await desk.waiting.delegate(giver, said["group"], said["to"], lasts))


async def end_delegation(desk: Desk, giver: Caller, said: Mapping[str, Any]) -> dict[str, Any]:
    return _listed(await desk.waiting.end_delegation(giver, said["group"], said["to"]))


def delegations(desk: Desk) -> dict[str, Any]:
    return _listed(desk.waiting.delegations())


def _listed(found: tuple[Delegation, ...]) -> dict[str, Any]:
    return {"delegations": [delegation_shape(one) for one in found]}


def rows(desk: Desk, wanted: str, asker: Caller | None) -> list[dict[str, Any]]:
    """Those that wait, or are to be reviewed, with `mine`: whether the asker may decide; of another state, from the store."""
    if wanted == State.PENDING:
        return [_mine(desk, approval, asker) for approval in desk.approvals(State.PENDING)]
    if wanted == "unreviewed":
        return [_mine(desk, approval, asker) for approval in desk.approvals() if approval.review_due]
    with desk.store.reading() as database:
        return readings.approvals(database, None if wanted == "all" else wanted)


def _mine(desk: Desk, approval: Approval, asker: Caller | None) -> dict[str, Any]:
    return approval_shape(approval) | {"mine": asker is not None and desk.may_decide(approval, asker)}


def receipts(desk: Desk, approval_id: str) -> dict[str, Any]:
    """The signed notes about one approval, oldest first: of each vote, the decision and each use."""
    with desk.store.reading() as database:
        found = readings.receipts(database, approval_id)
        known = found or readings.approval(database, approval_id)
    if not known:
        raise ApprovalUnknown(approval_id)
    return {"id": approval_id, "vkey": desk.keys.vkey, "receipts": found}
