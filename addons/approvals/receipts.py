r"""The receipt of a decision: what was decided, by whom, on what, as one line that the gateway's key signs. Pure; not the signing.

    affidavit approval receipt v1
    {"approval":"ap_…","approvers":[{"amr":["pwd","mfa"],"approver":"https://idp.example|bob",…}],"decided_at":"…",…}

    — affidavit.invalid/1a2b3c4d Az3grlgt…               the signature, as of a checkpoint (c2sp.org/signed-note)

The line is JSON with sorted keys, no blanks and no other line breaks, so the signed bytes are plain to see. It can never be read as a
checkpoint, whose second line is a number. auth_time, amr and session are the identity provider's own, to match its log.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from addons.approvals.grants import Grant
from addons.approvals.state import Approval, Vote

HEAD = "affidavit approval receipt v1"


def receipt_text(approval: Approval, used: Grant | None = None) -> str:
    """What is signed. used: the grant by which a call went on, once it has."""
    line = json.dumps(_said(approval, used), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{HEAD}\n{line}\n"


def _said(approval: Approval, used: Grant | None) -> dict[str, Any]:
    return {
        "approval": approval.id,
        "rule": approval.rule,
        "policy_digest": approval.policy_digest,
        "requester": approval.requester,
        "grade": str(approval.grade or ""),
        "purpose": approval.about.purpose,
        "state": approval.state.value,
        "approvers": [_voted(vote) for vote in approval.votes],
        "reason": approval.reason,
        "payload_digest": approval.payload_digest,
        "view_digest": approval.about.view_digest,
        "asked_by_exchange": approval.exchange_id,
        "requested_at": _text(approval.requested_at),
        "decided_at": _text(approval.decided_at),
        "expires_at": _text(approval.expires_at),
        "released_exchange": used.used_by if used else "",
        "released_at": _text(used.used_at) if used else "",
        "scope": (used.scope if used else approval.scope).value,
    }


def _voted(vote: Vote) -> dict[str, Any]:
    return {
        "approver": vote.approver,
        "issuer": vote.issuer,
        "auth_time": _text(vote.auth_time),
        "amr": list(vote.amr),
        "session": vote.session,
        "verdict": vote.verdict.value,
        "reason": vote.reason,
        "at": _text(vote.at),
        "groups": list(vote.groups),
        "on_behalf_of": vote.on_behalf_of,
        "broke_glass": vote.broke_glass,
        "lapsed": vote.lapsed,
        "grade": str(vote.grade or ""),
    }


def _text(moment: datetime | None) -> str:
    """RFC 3339 UTC, microseconds, as the store has it."""
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
