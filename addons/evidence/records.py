"""What can be appended to the evidence: one value for each kind of fact. Not how it is stored; not parsing or masking.

Times are text as `ids.time_text` makes them. "" and None both mean "unknown or none" and are NULL in the store. Every text here is
masked already. Names of people belong in `actor` (the leaf carries a pseudonym of it) or in `meta` (a payload, which can be
erased), never in `attrs`: what is inside a leaf stays for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from addons.evidence.canonical import Attr
from addons.evidence.chain import Masking, Node, Tip

Headers = tuple[tuple[str, str], ...]
Names = tuple[tuple[bytes, str], ...]  # keyed digests of what is new and names a session, and the session


class Outcome(StrEnum):
    """How an exchange ended; the `outcome` column."""

    COMPLETED = "completed"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"
    FAILED = "failed"
    ABORTED = "aborted"  # the client left
    INTERRUPTED = "interrupted"  # the gateway stopped; written at the next start


@dataclass(slots=True)  # not frozen: with this many fields that costs each call 5 us more
class Opened:
    """`exchange.opened`: durable before anything goes upstream."""

    id: str
    session_id: str
    opened_at: str
    subject: str
    policy_digest: str
    link_reason: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    auth_method: str = ""
    token_id: str = ""
    grade: str = ""
    purpose: str = ""
    client_address: str = ""
    door: str = ""
    connection: str = ""
    provider: str = ""
    host: str = ""
    upstream: str = ""
    method: str = ""
    path: str = field(default="", repr=False)
    operation: str = ""
    request_model: str = ""
    streamed: bool = False
    gateway: str = ""
    nodes: tuple[Node, ...] = field(
        default=(), repr=False
    )  # a run of the chain that ends at `request`; known ones may be left out
    request: Tip | None = None  # the last part sent; None: a call without a body
    parameters: str = field(default="{}", repr=False)  # the rest of the body, masked, as JSON text
    headers: Headers = field(default=(), repr=False)
    maskings: tuple[Masking, ...] = field(default=(), repr=False)  # in headers, query, path and parameters
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    names: Names = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Partial:
    """`exchange.partial`: whole blocks of a long stream, before its end is known."""

    exchange_id: str
    subject: str
    nodes: tuple[Node, ...] = field(repr=False)
    reply: Tip
    attrs: Mapping[str, Attr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """What a tool call or a statement would do; a row of `commands`."""

    part: int  # which part of the reply, from 0; below 0, of the request, counted from its end
    call_id: str
    tool: str
    language: str  # sql shell http mcp python other
    verb: str
    objects: tuple[str, ...]
    text: str = field(repr=False)
    evidence: str = "asked"  # asked result_reported executed_by_provider via_gateway
    outcome: str = ""  # error returned; "": the view finds it with the result
    result_exchange_id: str = ""  # "": the view finds the exchange that brought the result


@dataclass(slots=True)  # not frozen: with this many fields that costs each call 5 us more
class Closed:
    """`exchange.closed`: durable before the client sees the end of the reply."""

    exchange_id: str
    subject: str
    closed_at: str
    outcome: Outcome
    error: str = ""
    sent_at: str = ""
    first_chunk_at: str = ""
    response_model: str = ""
    http_status: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    finish_reasons: tuple[str, ...] = ()
    first_chunk_ms: int | None = None
    duration_ms: int | None = None
    approval_id: str = ""
    nodes: tuple[Node, ...] = field(default=(), repr=False)
    reply: Tip | None = None  # the last part received; None: nothing was
    commands: tuple[Command, ...] = field(default=(), repr=False)
    headers: Headers = field(default=(), repr=False)
    maskings: tuple[Masking, ...] = field(default=(), repr=False)  # in headers
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    names: Names = field(default=(), repr=False)


# Types of leaf that `Event` may carry; the others have records of their own.
EVENT_TYPES = frozenset(
    {
        *("gateway.started", "gateway.stopped", "gateway.heartbeat", "gateway.recovered", "config.changed", "finding"),
        *("connect.refused", "identity.refused", "tunnel.opened", "tunnel.closed"),
        *("evidence.read", "evidence.exported", "payload.erased", "store.migrated"),
    }
)
APPROVAL_TYPES = frozenset(
    f"approval.{change}" for change in ("requested", "decided", "expired", "cancelled", "used", "revoked", "reviewed")
)
TYPES = (
    EVENT_TYPES
    | APPROVAL_TYPES
    | {
        *("exchange.opened", "exchange.partial", "exchange.closed"),
        *("policy.loaded", "token.minted", "token.revoked", "hold.set", "hold.lifted"),
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Any other leaf. `attrs`: small, for ever; `meta`: what may have to be erased one day (names, addresses, reasons)."""

    type: str
    actor: str = ""
    exchange_id: str = ""
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    meta: Mapping[str, Attr] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PolicyLoaded:
    """`policy.loaded`: from here on every leaf names this digest, "sha256:" + hex of `content` (RFC 8785 of the parsed set)."""

    digest: str
    content: bytes = field(repr=False)
    actor: str = ""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A gateway token: never the secret, only its SHA-256 (the secret is 256 random bits)."""

    id: str
    sha256: str
    subject: str
    email: str
    groups: tuple[str, ...]
    purpose: str
    minted_by: str
    minted_at: str
    expires_at: str
    revoked_at: str = ""


@dataclass(frozen=True, slots=True)
class TokenMinted:
    token: TokenRow
    actor: str = ""
    proof: Mapping[str, Attr] = field(default_factory=dict, repr=False)  # how its owner signed in; in the payload only


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """The row as it is afterwards, `revoked_at` set."""

    token: TokenRow
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A row of `approvals` after a change. `details` (groups, count, votes, minted_by …) lives in the payload only."""

    id: str
    exchange_id: str
    rule: str
    requester: str
    state: str  # pending approved denied expired cancelled
    requested_at: str
    expires_at: str
    payload_digest: str
    approver: str = ""
    approver_issuer: str = ""
    auth_time: str = ""
    amr: tuple[str, ...] = ()
    decided_at: str = ""
    released_at: str = ""
    reason: str = field(default="", repr=False)
    grade: str = ""  # managed trial: of the requester and of everybody who decided, the lesser
    details: Mapping[str, Attr] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A row of `grants` after a change."""

    id: str
    approval_id: str
    scope: str  # exact session minutes
    digest: str
    expires_at: str
    used_at: str = ""
    used_by: str = ""  # the exchange that used it
    revoked_at: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """`approval.requested` decided expired cancelled used revoked reviewed: the rows as they are after the change."""

    type: str
    approval: ApprovalRow
    grant: GrantRow | None = None
    actor: str = ""
    exchange_id: str = ""  # the exchange that caused the change; "": the approval's own


@dataclass(frozen=True, slots=True)
class RoleRecord:
    """`config.changed`: a role given or ended."""

    subject: str
    role: str
    granted_at: str
    granted_by: str
    ended_at: str = ""
    actor: str = ""  # who did this; "": who gave it


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A row of `holds` after a change: what may not be erased until it is lifted."""

    id: str
    scope: str  # person session exchange everything
    value: str  # the person's subject, the session's or the exchange's id; "" for everything
    reason: str = field(repr=False)
    set_at: str
    set_by: str
    lifted_at: str = ""
    lifted_by: str = ""


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """`hold.set`, or `hold.lifted` once the row says when and by whom."""

    hold: HoldRow
    actor: str = ""
    why: str = field(default="", repr=False)  # of lifting it


Record = (
    Opened
    | Partial
    | Closed
    | Event
    | PolicyLoaded
    | TokenMinted
    | TokenRevoked
    | ApprovalRecord
    | RoleRecord
    | HoldRecord
)
