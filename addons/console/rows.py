"""Values of the rooms <-> rows and records of the evidence. Not decisions, not SQL.

What decides an approval and has no column of its own (groups, count, votes) travels in the row's `details`; `details_version` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from addons.approvals.delegations import Delegation
from addons.approvals.grants import Grant
from addons.approvals.quorum import Quorum
from addons.approvals.state import About, Action, Approval, Key, Proof, Review, Scope, Shown, State, Vote
from addons.evidence.ids import time_of, time_text
from addons.evidence.records import ApprovalRow, GrantRow, RoleRecord
from addons.evidence.records import TokenRow as TokenRecordRow
from addons.tokens.caller import Grade
from addons.tokens.gateway_token import TokenRow

DETAILS_VERSION = 2  # 1: groups, count, votes alone; it is read still
DELEGATE = "delegate:"  # a role of the store: who may decide for a group in somebody's name


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


def proof_details(proof: Proof) -> dict[str, Any]:
    """Empty where nobody has told."""
    said = {"auth_time": _text(proof.auth_time), "amr": list(proof.amr), "session": proof.session}
    return said if any(said.values()) else {}


def proof_of(details: Mapping[str, Any]) -> Proof:
    return Proof(_time(details["auth_time"]), tuple(details["amr"]), details["session"])


def approval_row(approval: Approval, receipt: str = "") -> ApprovalRow:
    """receipt: the signed note about this decision, or this use of it."""
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
        grade=str(approval.grade or ""),
        details={
            "details_version": DETAILS_VERSION,
            "requester_email": approval.requester_email,
            "requester_minted_by": approval.requester_minted_by,
            "requester_grade": str(approval.requester_grade or ""),
            "groups": list(approval.groups),
            "count": approval.count,
            "policy_digest": approval.policy_digest,
            "same_minter": approval.same_minter,
            "also": [_quorum_details(quorum) for quorum in approval.also],
            "break_glass": list(approval.break_glass),
            "scopes": [scope.value for scope in approval.scopes],
            "most_minutes": approval.most_minutes,
            "session_id": approval.about.session_id,
            "purpose": approval.about.purpose,
            "why": list(approval.about.why),
            "shown": [{"name": one.name, "text": one.text} for one in approval.about.shown],
            "view_digest": approval.about.view_digest,
            "review": _review_details(approval.review),
            "review_due": approval.review_due,
            "votes": [_vote_details(vote) for vote in approval.votes],
            **({"receipt": receipt} if receipt else {}),
        },
    )


def approval_of(row: ApprovalRow) -> Approval:
    details: Mapping[str, Any] = row.details
    if details.get("details_version") not in {1, DETAILS_VERSION}:
        raise ValueError(
            f"approval {row.id}: expected details of version 1 or {DETAILS_VERSION}, got {details.get('details_version')!r}"
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
        also=tuple(Quorum(tuple(one["groups"]), one["count"]) for one in details.get("also", ())),
        break_glass=tuple(details.get("break_glass", ())),
        scopes=tuple(Scope(scope) for scope in details.get("scopes", ("exact",))),
        most_minutes=details.get("most_minutes", 0),
        about=About(
            session_id=details.get("session_id", ""),
            purpose=details.get("purpose", ""),
            why=tuple(details.get("why", ())),
            shown=tuple(Shown(one["name"], one["text"]) for one in details.get("shown", ())),
            view_digest=details.get("view_digest", ""),
        ),
        review=_review_of(details.get("review")),
        state=State(row.state),
        votes=tuple(_vote_of(vote) for vote in details["votes"]),
        reason=row.reason,
        decided_at=_time(row.decided_at),
        released_at=_time(row.released_at),
        requester_grade=_grade(details.get("requester_grade")),
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
        session_id=approval.about.session_id if row.scope == Scope.SESSION else "",
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
        "groups": list(vote.groups),
        "token_id": vote.token_id,
        "session": vote.session,
        "on_behalf_of": vote.on_behalf_of,
        "broke_glass": vote.broke_glass,
        "lapsed": vote.lapsed,
        "scope": vote.scope.value,
        "minutes": vote.minutes,
        "grade": str(vote.grade or ""),
    }


def _quorum_details(quorum: Quorum) -> dict[str, Any]:
    return {"groups": list(quorum.groups), "count": quorum.count}


def _review_details(review: Review | None) -> dict[str, Any] | None:
    if review is None:
        return None
    return {"by": review.by, "at": time_text(review.at), "reason": review.reason, "justified": review.justified}


def _review_of(details: Mapping[str, Any] | None) -> Review | None:
    if details is None:
        return None
    return Review(details["by"], time_of(details["at"]), details["reason"], details["justified"])


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
        groups=tuple(details.get("groups", ())),
        token_id=details.get("token_id", ""),
        session=details.get("session", ""),
        on_behalf_of=details.get("on_behalf_of", ""),
        broke_glass=details.get("broke_glass", False),
        lapsed=details.get("lapsed", False),
        scope=Scope(details.get("scope", "exact")),
        minutes=details.get("minutes", 0),
        grade=_grade(details.get("grade")),
    )


def delegation_record(delegation: Delegation) -> RoleRecord:
    return RoleRecord(
        subject=delegation.to,
        role=DELEGATE + delegation.group,
        granted_at=time_text(delegation.given_at),
        granted_by=delegation.given_by,
        ended_at=time_text(delegation.ends_at),
    )


def delegation_of(row: Mapping[str, Any]) -> Delegation:
    return Delegation(
        group=row["role"].removeprefix(DELEGATE),
        given_by=row["granted_by"],
        to=row["subject"],
        given_at=time_of(row["granted_at"]),
        ends_at=time_of(row["ended_at"]),
    )


def _grade(text: str | None) -> Grade | None:
    return Grade(text) if text else None


def _text(moment: datetime | None) -> str:
    return "" if moment is None else time_text(moment)


def _time(text: str) -> datetime | None:
    return time_of(text) if text else None
