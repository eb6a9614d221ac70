"""The JSON that answers have. Times are text, UTC. Not HTML, not tables for people."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import Any

from addons.approvals.delegations import Delegation
from addons.approvals.state import Approval, State
from addons.console import readings
from addons.console.anchoring import anchors_shape
from addons.console.desk import Desk
from addons.console.running import clock_state
from addons.evidence import retention
from addons.evidence.database import sqlite_notes
from addons.evidence.ids import time_text
from addons.policy.decide import days_for
from addons.policy.model import Connection, CredentialKind, Policies, Source
from addons.providers.registry import provider_named
from addons.tokens.caller import Caller
from addons.tokens.gateway_token import TokenRow

LITTLE_DISK_BYTES = 1 << 30


async def status_shape(desk: Desk) -> dict[str, Any]:
    return {
        **await asyncio.to_thread(_stored, desk),
        "state": str(desk.folder.path),
        "pid": os.getpid(),
        "origin": desk.keys.origin,
        "policies": {"digest": desk.policies.digest, "folder": str(desk.policies.origin)},
        "clock": clock_state(),
        "disk_free_bytes": desk.disk_free_bytes,
        "open_holds": desk.open_holds,
        "pending_approvals": len(desk.approvals(State.PENDING)),
        "tokens_in_force": sum(_token_state(row, desk.clock()) == "in force" for row in desk.tokens.rows),
        "hosts": sorted({host for connection in desk.policies.connections for host in connection.hosts}),
        "findings": [f"{code}: {detail}" if detail else code for code, detail in desk.findings] + _own_findings(desk),
    }


def _stored(desk: Desk) -> dict[str, Any]:
    """What the store knows, read beside the loop: the more it holds, the longer it takes."""
    with desk.store.reading() as database:
        log = readings.log(database)
    return {
        "versions": desk.versions(),
        "log": log,
        "retention": _retention_shape(desk),
        "anchors": anchors_shape(desk),
    }


def retention_clocks(policies: Policies) -> retention.Clocks:
    named = policies.retention
    every = [named.default, *(days for _, days in (*named.connections, *named.groups))]

    def of(connection: str, groups: tuple[str, ...]) -> retention.Kept:
        days = days_for(policies, connection, groups)
        return retention.Kept(days.content_days, days.metadata_days)

    default = retention.Kept(named.default.content_days, named.default.metadata_days)
    return retention.Clocks(of, default, min(days.content_days for days in every))


def _retention_shape(desk: Desk) -> dict[str, Any]:
    with desk.store.reading() as database:
        due = retention.due(database, retention_clocks(desk.policies), desk.clock())
        holds = retention.holds(database)
    return {"overdue": due.count, "held_past_their_time": due.held, "holds": [hold.id for hold in holds]}


def connection_shape(connection: Connection) -> dict[str, Any]:
    """What a client's side needs to know. variables: the environment's names from which the gateway takes the provider's key."""
    return {
        "id": connection.id,
        "provider": provider_named(connection.provider).name,
        "hosts": list(connection.hosts),
        "groups": list(connection.groups),
        "own_key": connection.credential.kind is CredentialKind.CLIENT,
        "variables": [
            argument
            for reference in connection.credential.references
            if reference.source is Source.ENV
            for argument in reference.arguments
        ],
    }


def token_shape(row: TokenRow, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "subject": row.subject,
        "email": row.email,
        "groups": list(row.groups),
        "purpose": row.purpose,
        "grade": row.grade.value,
        "minted_by": row.minted_by,
        "minted_at": time_text(row.minted_at),
        "expires_at": time_text(row.expires_at),
        "revoked_at": _text(row.revoked_at),
        "state": _token_state(row, now),
    }


def caller_shape(caller: Caller) -> dict[str, Any]:
    return {
        "subject": caller.subject,
        "email": caller.email,
        "groups": list(caller.groups),
        "auth_method": caller.auth_method,
        "token_id": caller.token_id,
        "grade": caller.grade.value,
        "purpose": caller.purpose,
        "minted_by": caller.minted_by,
        "expires_at": time_text(caller.expires_at),
    }


def approval_shape(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "exchange_id": approval.exchange_id,
        "rule": approval.rule,
        "requester": approval.requester,
        "grade": str(approval.grade or ""),
        "groups": list(approval.groups),
        "count": approval.count,
        "also": [{"groups": list(one.groups), "count": one.count} for one in approval.also],
        "break_glass": list(approval.break_glass),
        "missing": approval.missing if approval.state is State.PENDING else 0,
        "missing_groups": list(approval.missing_groups) if approval.state is State.PENDING else [],
        "scopes": [scope.value for scope in approval.scopes],
        "most_minutes": approval.most_minutes,
        "scope": approval.scope.value if approval.state is State.APPROVED else "",
        "state": approval.state.value,
        "requested_at": time_text(approval.requested_at),
        "expires_at": time_text(approval.expires_at),
        "decided_at": _text(approval.decided_at),
        "released_at": _text(approval.released_at),
        "approver": approval.approver,
        "reason": approval.reason,
        "same_minter": any(vote.same_minter for vote in approval.votes),
        "purpose": approval.about.purpose,
        "session_id": approval.about.session_id,
        "why": list(approval.about.why),
        "shown": [{"name": one.name, "text": one.text} for one in approval.about.shown],
        "view_digest": approval.about.view_digest,
        "broke_glass": approval.broke_glass,
        "review_due": approval.review_due,
        "review": None
        if approval.review is None
        else {
            "by": approval.review.by,
            "at": time_text(approval.review.at),
            "reason": approval.review.reason,
            "justified": approval.review.justified,
        },
        "votes": [
            {
                "approver": vote.approver,
                "verdict": vote.verdict.value,
                "reason": vote.reason,
                "at": time_text(vote.at),
                "grade": str(vote.grade or ""),
                "same_minter": vote.same_minter,
                "on_behalf_of": vote.on_behalf_of,
                "broke_glass": vote.broke_glass,
                "lapsed": vote.lapsed,
                "scope": vote.scope.value,
                "minutes": vote.minutes,
            }
            for vote in approval.votes
        ],
        "payload_digest": approval.payload_digest,
        "policy_digest": approval.policy_digest,
    }


def delegation_shape(delegation: Delegation) -> dict[str, Any]:
    return {
        "group": delegation.group,
        "given_by": delegation.given_by,
        "to": delegation.to,
        "given_at": time_text(delegation.given_at),
        "ends_at": time_text(delegation.ends_at),
    }


def _own_findings(desk: Desk) -> list[str]:
    found = list(sqlite_notes())
    found += [
        f"{one.id} was approved by breaking the glass and nobody has reviewed it: affidavit approvals review {one.id}"
        for one in desk.approvals()
        if one.review_due
    ]
    if desk.disk_free_bytes < LITTLE_DISK_BYTES:
        found.append(
            f"{desk.disk_free_bytes >> 20} MiB left on the store's disk: without room no call is let through; free some"
        )
    if desk.store.failure is not None:
        found.append(f"the store failed and no call is let through: {desk.store.failure}")
    return found


def _token_state(row: TokenRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if now >= row.expires_at else "in force"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)
