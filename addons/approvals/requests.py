"""What a request that needs an approval finds: one that waits, one that was decided, or nothing. Pure; the table is the caller's.

A held request is sent again by its client: the digest of what it asks makes the retries one request.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from addons.approvals.state import Approval, Key, Shown, State

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The flow's own end and the approval's; the flow's never comes later."""

    hold_until: datetime  # then: 409 approval_pending, and the client may come again
    expires_at: datetime  # then: the approval is expired


def deadlines(approval: Approval, hold_seconds: int, now: datetime) -> Deadlines:
    """Each flow that waits, first or retry, has a hold of its own."""
    return Deadlines(min(now + timedelta(seconds=hold_seconds), approval.expires_at), approval.expires_at)


def payload_digest(key: bytes, *, method: str, connection: str, path: str, body: bytes) -> str:
    """`hmac-sha256:<hex>` over method, connection, path with query, and body as received, each after its length (8 bytes,
    big-endian). Keyed, because a plain hash of a short prompt can be guessed.
    """
    if len(key) < KEY_BYTES:
        raise ValueError(f"approval key: expected at least {KEY_BYTES} bytes, got {len(key)}; restore the key file")
    digest = hmac.new(key, digestmod="sha256")
    for field in (method.encode(), connection.encode(), path.encode("utf-8", "surrogateescape"), body):
        digest.update(len(field).to_bytes(8))
        digest.update(field)
    return f"hmac-sha256:{digest.hexdigest()}"


def view_digest(key: bytes, node: str, shown: tuple[Shown, ...]) -> str:
    """`hmac-sha256:<hex>` of the masked view that approvers are shown: the recorded request's last node, which commits to all before
    it, and each held tool call.
    """
    digest = hmac.new(key, b"affidavit/view/v1\0" + node.encode(), "sha256")
    for one in shown:
        for text in (one.name.encode("utf-8", "replace"), one.text.encode("utf-8", "replace")):
            digest.update(len(text).to_bytes(8))
            digest.update(text)
    return f"hmac-sha256:{digest.hexdigest()}"


def answer(approvals: Iterable[Approval], key: Key, now: datetime) -> Approval | None:
    """What was already said about this request: the newest of the same key, if it is pending, or denied, and not past its
    time. None: ask anew. An approved one is found by its grant (grants.open_grant); one taken back says nothing. Of two of the same
    microsecond the pending one is the newer: nothing is asked while something waits.
    """
    same = (
        approval
        for approval in approvals
        if approval.key == key and now < approval.expires_at and approval.state is not State.CANCELLED
    )
    newest = max(same, key=lambda one: (one.requested_at, one.state is State.PENDING, one.id), default=None)
    return newest if newest is not None and newest.state in (State.PENDING, State.DENIED) else None


def due(approvals: Iterable[Approval], now: datetime) -> tuple[Approval, ...]:
    """The pending ones whose time is up: to be expired."""
    return tuple(approval for approval in approvals if approval.state is State.PENDING and now >= approval.expires_at)


def pending_hint(approval: Approval) -> str:
    """What the person reads whose call was not let through yet."""
    people = "one person" if approval.missing == 1 else f"{approval.missing} people"
    return (
        f"waiting for {people} of {' or '.join(approval.missing_groups)}: affidavit approvals approve {approval.id} --reason …; "
        "then send the same request again"
    )
