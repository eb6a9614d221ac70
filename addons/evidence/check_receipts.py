"""Checks the signed receipt that each decision of people carries, and each use of one: whose signature, and whether it says what its leaf says.

Not the rows (check_rows). A receipt is taken away and shown elsewhere, so it must never say anything else than the log does.
Its form: addons/approvals/receipts.py, which this room does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from addons.evidence.canonical import canonical
from addons.evidence.check_log import Leaf
from addons.evidence.checkpoints import NoteInvalid, Verifier
from addons.evidence.report import Report
from addons.evidence.rotation import KeyChain

HEAD = "affidavit approval receipt v1"
_TYPES = ("approval.decided", "approval.used")
_SINCE = 2  # details_version from which on there is a receipt
_VOTE = ("approver", "issuer", "auth_time", "amr", "session", "verdict", "reason", "at", "groups", "on_behalf_of", "broke_glass", "lapsed")  # fmt: skip
_LATER = ("grade",)  # of a vote: where the leaf has it


def check_receipt(leaf: Leaf, keys: KeyChain, report: Report) -> None:
    payload = leaf.payloads.get("approval", {})
    details = payload.get("details", {})
    if (
        leaf.said.get("type") not in _TYPES
        or not isinstance(details, dict)
        or details.get("details_version", 0) < _SINCE
    ):
        return
    place = f"approval {payload.get('approval', {}).get('id')}"
    note = details.get("receipt")
    report.counts["receipts"] += 1
    if not isinstance(note, str):
        report.fail("receipt_missing", leaf.seq, f"{place}: decided, and no receipt says so")
        return
    said = _signed(note, leaf.seq, keys, report, place)
    if said is not None:
        for name, fields in differing(said, payload):
            report.fail(name, leaf.seq, f"{place}: the receipt and leaf {leaf.seq} differ in {', '.join(fields)}")


def _signed(note: str, seq: int, keys: KeyChain, report: Report, place: str) -> Mapping[str, Any] | None:
    """What the note says, if a key of its time signed it. A new key signs from the leaf after the change on."""
    for key in keys.keys_of(seq + 1):
        with suppress(NoteInvalid, ValueError):
            return _parsed(key.check(note))
    report.fail("receipt_signature_bad", seq, f"{place}: the receipt is not one that the log's key signed")
    return None


def is_receipt(path: Path) -> bool:
    """Whether this file is a receipt alone, as somebody took it away."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(HEAD) + 1) == HEAD.encode() + b"\n"


def verify_receipt(note: str, vkey: str) -> Report:
    """A receipt alone: whether the key that was given signed these very words."""
    report = Report()
    report.counts["receipts"] += 1
    try:
        key = Verifier.of(vkey) if vkey else None
    except NoteInvalid as fault:
        report.fail("key_invalid", None, str(fault))
        return report
    if key is None:
        report.fail("key_missing", None, "a receipt is worth its signature: give the log's key, --vkey")
        return report
    try:
        said = _parsed(key.check(note))
    except (NoteInvalid, ValueError):
        sentence = "not a receipt that this key signed: another key, or an approver, a payload or a time was changed"
        report.fail("receipt_signature_bad", None, sentence)
    else:
        report.notes += [f"{name}: {canonical(value).decode()}" for name, value in sorted(said.items())]
    return report


def _parsed(text: str) -> dict[str, Any]:
    """What a receipt says: a line of JSON under its heading; or ValueError."""
    head, line, *rest = text.split("\n")
    said = orjson.loads(line)
    if head != HEAD or rest != [""] or not isinstance(said, dict):
        raise ValueError("no receipt")
    return said


def differing(said: Mapping[str, Any], payload: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(name of the failure, the fields) of what a receipt says otherwise than its leaf."""
    for name, wanted in _wanted(payload).items():
        fields = tuple(field for field, value in wanted.items() if said.get(field) != value)
        if fields:
            yield name, fields


def _wanted(payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    row, details, grant = payload["approval"], payload.get("details", {}), payload.get("grant", {})
    used = grant if grant.get("used_at") else {}
    votes = [
        {name: vote.get(name) for name in _VOTE} | {name: vote[name] for name in _LATER if name in vote}
        for vote in details.get("votes", ())
    ]
    graded = {"grade": row["grade"]} if "grade" in row else {}
    return {
        "receipt_approver_changed": {"approvers": votes, "requester": row.get("requester", "")} | graded,
        "receipt_payload_changed": {
            "payload_digest": row.get("payload_digest", ""),
            "view_digest": details.get("view_digest", ""),
        },
        "receipt_time_changed": {name: row.get(name, "") for name in ("requested_at", "decided_at", "expires_at")}
        | {"released_at": used.get("used_at", "")},
        "receipt_changed": {
            "approval": row.get("id"),
            "rule": row.get("rule", ""),
            "state": row.get("state"),
            "reason": row.get("reason", ""),
            "policy_digest": details.get("policy_digest", ""),
            "purpose": details.get("purpose", ""),
            "asked_by_exchange": row.get("exchange_id", ""),
            "released_exchange": used.get("used_by", ""),
        },
    }
