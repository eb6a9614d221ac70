"""Values of the rooms <-> rows and records of the evidence. Not decisions, not SQL.

What decides an approval and has no column of its own (groups, count, votes) travels in the row's `details`; `details_version` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from addons.approvals.grants import Grant, Scope
from addons.approvals.state import Action, Approval, Key, State, Vote
from addons.evidence.ids import time_of, time_text
from addons.evidence.records import ApprovalRow, GrantRow
from addons.evidence.records import TokenRow as TokenRecordRow
from addons.tokens.gateway_token import TokenRow

DETAILS_VERSION = 1


def token_row(row: TokenRow) -> TokenRecordRow:
    return TokenRecordRow(
        id=row.id,
        sha256=row.sha256,
        subject=row.subject,
        email=row.email,
        groups=row.groups,
        purpose=row.purpose,
        minted_by=row.minted_by,
        minted_at=time_text(row.minted_at),
        expires_at=time_text(row.expires_at),
        revoked_at=_text(row.revoked_at),
    )


def token_of(row: TokenRecordRow) -> TokenRow:
    return TokenRow(
        id=row.id,
        sha256=row.sha256,
        subject=row.subject,
        email=row.email,
        groups=tuple(row.groups),
        purpose=row.purpose,
        minted_by=row.minted_by,
        minted_at=time_of(row.minted_at),
        expires_at=time_of(row.expires_at),
        revoked_at=_time(row.revoked_at),
    )


def approval_row(approval: Approval) -> ApprovalRow:
    return ApprovalRow(
        id=approval.id,
        exchange_id=approval.exchange_id,
        rule=approval.rule,
        requester=approval.requester,
        state=approval.state.value,
        requested_at=time_text(approval.requested_at),
        expires_at=time_text(approval.expires_at),
        payload_digest=approval.payload_digest,
        approver=approval.approver,
        approver_issuer=approval.approver_issuer,
        auth_time=_text(approval.auth_time),
        amr=approval.amr,
        decided_at=_text(approval.decided_at),
        released_at=_text(approval.released_at),
        reason=approval.reason,
        details={
            "details_version": DETAILS_VERSION,
            "requester_email": approval.requester_email,
            "requester_minted_by": approval.requester_minted_by,
            "groups": list(approval.groups),
            "count": approval.count,
            "policy_digest": approval.policy_digest,
            "same_minter": approval.same_minter,
            "votes": [_vote_details(vote) for vote in approval.votes],
        },
    )


def approval_of(row: ApprovalRow) -> Approval:
    details: Mapping[str, Any] = row.details
    if details.get("details_version") != DETAILS_VERSION:
        raise ValueError(
            f"approval {row.id}: expected details of version {DETAILS_VERSION}, got {details.get('details_version')!r}"
        )
    return Approval(
        id=row.id,
        exchange_id=row.exchange_id,
        rule=row.rule,
        requester=row.requester,
        requester_email=details["requester_email"],
        requester_minted_by=details["requester_minted_by"],
        groups=tuple(details["groups"]),
        count=details["count"],
        requested_at=time_of(row.requested_at),
        expires_at=time_of(row.expires_at),
        payload_digest=row.payload_digest,
        policy_digest=details["policy_digest"],
        state=State(row.state),
        votes=tuple(_vote_of(vote) for vote in details["votes"]),
        reason=row.reason,
        decided_at=_time(row.decided_at),
        released_at=_time(row.released_at),
    )


def grant_row(grant: Grant) -> GrantRow:
    return GrantRow(
        id=grant.id,
        approval_id=grant.approval_id,
        scope=grant.scope.value,
        digest=grant.digest,
        expires_at=time_text(grant.expires_at),
        used_at=_text(grant.used_at),
        used_by=grant.used_by,
        revoked_at=_text(grant.revoked_at),
    )


def grant_of(row: GrantRow, approval: Approval) -> Grant:
    key = Key(approval.requester, approval.rule, row.digest, approval.policy_digest)
    return Grant(
        id=row.id,
        approval_id=row.approval_id,
        key=key,
        granted_at=approval.decided_at or approval.requested_at,
        expires_at=time_of(row.expires_at),
        scope=Scope(row.scope),
        used_at=_time(row.used_at),
        used_by=row.used_by,
        revoked_at=_time(row.revoked_at),
    )


def _vote_details(vote: Vote) -> dict[str, Any]:
    return {
        "approver": vote.approver,
        "email": vote.email,
        "issuer": vote.issuer,
        "auth_time": _text(vote.auth_time),
        "amr": list(vote.amr),
        "verdict": vote.verdict.value,
        "reason": vote.reason,
        "at": time_text(vote.at),
        "same_minter": vote.same_minter,
    }


def _vote_of(details: Mapping[str, Any]) -> Vote:
    return Vote(
        approver=details["approver"],
        email=details["email"],
        issuer=details["issuer"],
        auth_time=_time(details["auth_time"]),
        amr=tuple(details["amr"]),
        verdict=Action(details["verdict"]),
        reason=details["reason"],
        at=time_of(details["at"]),
        same_minter=details["same_minter"],
    )


def _text(moment: datetime | None) -> str:
    return "" if moment is None else time_text(moment)


def _time(text: str) -> datetime | None:
    return time_of(text) if text else None
