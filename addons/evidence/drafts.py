r"""From a record to what the ledger writes for it: payloads with their commitments, rows, and what must hold before. Pure but for randomness.

    commitment = HMAC-SHA256(32-byte salt, "affidavit/payload/v1\0" kind "\0" payload)

The salt is random and lives beside the payload, outside the leaf: a commitment says nothing about a short prompt, and a payload that is
erased with its salt cannot be guessed back.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from addons.evidence import columns, statements
from addons.evidence.canonical import INTEGERS_BELOW, Attr, RecordInvalid, canonical, checked
from addons.evidence.chain import Node, Tip
from addons.evidence.ids import Random
from addons.evidence.records import (
    APPROVAL_TYPES,
    EVENT_TYPES,
    ApprovalRecord,
    Closed,
    Command,
    Event,
    HoldRecord,
    Opened,
    Partial,
    PolicyLoaded,
    Record,
    RoleRecord,
    TokenMinted,
    TokenRevoked,
)
from addons.evidence.subjects import Subject, Subjects

_PAYLOAD = b"affidavit/payload/v1\0"
ATTRS_BYTES = 2048  # c2sp.org/tlog-tiles wants small entries; what is longer belongs in a payload

_NUMBERS = ("http_status", "input_tokens", "output_tokens", "reasoning_tokens", "first_chunk_ms", "duration_ms")

Write = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Link:
    """What a draft asks of the exchange and the chain that it continues; the ledger checks it."""

    exchange_id: str
    subject: str
    opens: bool = False
    closes: bool = False
    nodes: tuple[Node, ...] = field(default=(), repr=False)
    tip: Tip | None = None


@dataclass(slots=True, eq=False)
class Draft:
    """A leaf but for its number and time, and the rows that are written with it."""

    type: str
    exchange_id: str | None = None
    actor: Subject | None = None
    policy_digest: str | None = None  # None: the one in force
    attrs: dict[str, Attr] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict, repr=False)  # by kind
    commitments: list[dict[str, str]] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list, repr=False)
    link: Link | None = None
    size: int = 0  # bytes of text it carries, about


def commitment(salt: bytes, kind: str, payload: bytes) -> str:
    return "hmac-sha256:" + hmac.digest(salt, _PAYLOAD + kind.encode() + b"\0" + payload, "sha256").hex()


class Drafter:
    """Makes drafts. Any thread may call it."""

    def __init__(self, subjects: Subjects, random: Random) -> None:
        self._subjects = subjects
        self._random = random
        self._by_type: Mapping[type, Callable[[Any], Draft]] = {
            Opened: self._opened,
            Partial: self._partial,
            Closed: self._closed,
            Event: self._event,
            PolicyLoaded: self._policy_loaded,
            TokenMinted: self._token,
            TokenRevoked: self._token,
            ApprovalRecord: self._approval,
            RoleRecord: self._role,
            HoldRecord: self._hold,
        }

    def draft(self, record: Record) -> Draft:
        """What to write for `record`, or RecordInvalid."""
        draft = self._by_type[type(record)](record)
        if draft.payloads:
            self._commit(draft)
        return draft

    def _opened(self, record: Opened) -> Draft:
        _require(record, "id", "session_id", "opened_at", "subject")
        draft = self._begin("exchange.opened", record.id, record.subject, record.attrs)
        draft.policy_digest = record.policy_digest
        draft.link = Link(record.id, record.subject, opens=True, nodes=record.nodes, tip=record.request)
        meta = self._pay(draft, "meta", columns.values_of(record, columns.OPENED))
        request = _walk_payload(record.request, record.headers, [masking.row() for masking in record.maskings])
        if record.parameters not in {"", "{}"}:
            request["parameters"] = record.parameters
        self._pay(draft, "request", request)
        self._add_nodes(draft, record.nodes)
        tip = record.request
        pointer = (None, 0) if tip is None else (tip.id, tip.length)
        row = columns.row_of(meta, columns.OPENED)
        draft.writes.append((statements.OPEN, (record.id, record.policy_digest or None, *pointer, *row)))
        draft.writes += [(statements.NAME, name) for name in record.names]
        return draft

    def _partial(self, record: Partial) -> Draft:
        _require(record, "exchange_id", "subject")
        draft = self._begin("exchange.partial", record.exchange_id, record.subject, record.attrs)
        draft.link = Link(record.exchange_id, record.subject, nodes=record.nodes, tip=record.reply)
        self._pay(draft, "reply", _walk_payload(record.reply, (), []))
        self._add_nodes(draft, record.nodes)
        draft.writes.append((statements.PARTIAL, (record.exchange_id, record.reply.id)))
        return draft

    def _closed(self, record: Closed) -> Draft:
        _require(record, "exchange_id", "closed_at", "subject")
        _require_numbers(record)
        draft = self._begin("exchange.closed", record.exchange_id, record.subject, record.attrs)
        draft.link = Link(record.exchange_id, record.subject, closes=True, nodes=record.nodes, tip=record.reply)
        meta = self._pay(draft, "meta", columns.values_of(record, columns.CLOSED))
        reply = _walk_payload(record.reply, record.headers, [masking.row() for masking in record.maskings])
        if record.commands:
            reply["commands"] = [_command(command) for command in record.commands]
        self._pay(draft, "reply", reply)
        self._add_nodes(draft, record.nodes)
        tip = None if record.reply is None else record.reply.id
        row = columns.row_of(meta, columns.CLOSED)
        draft.writes.append((statements.CLOSE, (record.exchange_id, tip, *row)))
        draft.writes += [(statements.NAME, name) for name in record.names]
        return draft

    def _event(self, record: Event) -> Draft:
        if record.type not in EVENT_TYPES:
            raise RecordInvalid(f"event type {record.type!r}: expected one of {', '.join(sorted(EVENT_TYPES))}")
        draft = self._begin(record.type, record.exchange_id, record.actor, record.attrs)
        if record.meta is not None:
            self._pay(draft, "meta", checked(record.meta, "meta"))
        return draft

    def _policy_loaded(self, record: PolicyLoaded) -> Draft:
        draft = self._begin("policy.loaded", "", record.actor, {"digest": record.digest})
        draft.policy_digest = record.digest
        content = record.content.decode()
        if record.digest != "sha256:" + sha256(record.content).hexdigest():
            raise RecordInvalid(
                "PolicyLoaded.digest: expected the SHA-256 of its content, got another; pass RFC 8785 bytes and their digest"
            )
        draft.size += len(content)
        draft.writes.append((statements.POLICY, (record.digest, record.actor or None, content)))
        return draft

    def _token(self, record: TokenMinted | TokenRevoked) -> Draft:
        minted = isinstance(record, TokenMinted)
        draft = self._begin("token.minted" if minted else "token.revoked", "", record.actor, {"token": record.token.id})
        proof = record.proof if isinstance(record, TokenMinted) else {}
        more = {"proof": checked(proof, "proof")} if proof else {}
        self._pay_rows(draft, "meta", {"token": self._row("token", record.token)}, more)
        return draft

    def _approval(self, record: ApprovalRecord) -> Draft:
        if record.type not in APPROVAL_TYPES:
            raise RecordInvalid(f"approval type {record.type!r}: expected one of {', '.join(sorted(APPROVAL_TYPES))}")
        _require(record.approval, "id", "state")
        exchange_id = record.exchange_id or record.approval.exchange_id
        draft = self._begin(record.type, exchange_id, record.actor, {"approval": record.approval.id})
        rows = {"approval": self._row("approval", record.approval)}
        if record.grant is not None:
            rows["grant"] = self._row("grant", record.grant)
        details = {"details": checked(record.approval.details, "details")} if record.approval.details else {}
        self._pay_rows(draft, "approval", rows, details)
        return draft

    def _role(self, record: RoleRecord) -> Draft:
        draft = self._begin("config.changed", "", record.actor or record.granted_by, {"changed": "role"})
        row = columns.values_of(record, ("subject", "role", "granted_at", "granted_by", "ended_at"))
        row["id"] = f"{record.subject} {record.role} {record.granted_at}"
        self._pay_rows(draft, "meta", {"role": row})
        return draft

    def _hold(self, record: HoldRecord) -> Draft:
        kind = "hold.lifted" if record.hold.lifted_at else "hold.set"
        draft = self._begin(kind, "", record.actor, {"hold": record.hold.id})
        self._pay_rows(
            draft, "meta", {"hold": self._row("hold", record.hold)}, {"why": record.why} if record.why else {}
        )
        return draft

    def _begin(self, leaf_type: str, exchange_id: str, actor: str, attrs: Mapping[str, Attr]) -> Draft:
        draft = Draft(leaf_type, exchange_id or None)
        if not exchange_id.isascii():
            raise RecordInvalid(f"exchange id of {leaf_type}: expected an id as new_id() makes it")
        if attrs:
            draft.attrs = checked(attrs, "attrs")
            if len(canonical(draft.attrs)) > ATTRS_BYTES:
                raise RecordInvalid(
                    f"attrs of {leaf_type}: expected at most {ATTRS_BYTES} bytes of JSON; put the rest into meta"
                )
        if actor:
            draft.actor = self._subjects.of(actor)
        return draft

    def _pay(self, draft: Draft, kind: str, value: dict[str, Attr]) -> dict[str, Attr]:
        """Give the draft a payload; the value as it is written."""
        value, draft.payloads[kind] = _payload_bytes(value, f"{draft.type} {kind}")
        return value

    def _commit(self, draft: Draft) -> None:
        """A salt and a commitment for each payload, and the row that holds them."""
        salts = self._random(32 * len(draft.payloads))
        row: dict[str, str | bytes] = {}
        for number, (kind, data) in enumerate(draft.payloads.items()):
            salt = row[f"{kind}_salt"] = salts[32 * number : 32 * number + 32]
            row[kind] = data.decode()
            draft.commitments.append({"commitment": commitment(salt, kind, data), "kind": kind})
            draft.size += len(data)
        draft.writes.append((statements.PAYLOAD, tuple([row.get(column) for column in columns.PAYLOADS])))

    def _pay_rows(
        self, draft: Draft, kind: str, rows: dict[str, dict[str, Attr]], more: Mapping[str, Attr] | None = None
    ) -> None:
        written = self._pay(draft, kind, {**rows, **(more or {})})
        for name in rows:
            row = written[name]
            draft.writes.append((statements.ROW[name], columns.row_of(row, columns.ROWS[name][1])))
            draft.writes.append((statements.HEAD, (name, row["id"])))

    def _row(self, kind: str, record: object) -> dict[str, Attr]:
        return columns.values_of(record, columns.ROWS[kind][1])

    def _add_nodes(self, draft: Draft, nodes: Sequence[Node]) -> None:
        assert draft.actor is not None
        subject = draft.actor.number
        for node in nodes:
            draft.size += len(node.text)
            content = node.content_id[: columns.CONTENT_ID_BYTES]
            draft.writes.append((statements.CONTENT, (content, subject, node.text)))
            row = (content, node.role, node.kind, node.name or None, node.call_id or None, node.maskings)
            draft.writes.append((statements.NODE, (node.id, node.parent, node.depth, subject, *row)))


def _walk_payload(
    tip: Tip | None, headers: Sequence[tuple[str, str]], maskings: list[list[str | int]]
) -> dict[str, Attr]:
    payload: dict[str, Attr] = {"length": 0} if tip is None else {"node": tip.id.hex(), "length": tip.length}
    if headers:
        payload["headers"] = [list(pair) for pair in headers]
    if maskings:
        payload["maskings"] = maskings
    return payload


def _command(command: Command) -> dict[str, Attr]:
    names = ("call_id", "tool", "language", "verb", "text", "evidence", "outcome", "result_exchange_id")
    return {"part": command.part, "objects": list(command.objects), **columns.values_of(command, names)}


def _payload_bytes(value: dict[str, Attr], place: str) -> tuple[dict[str, Attr], bytes]:
    """`value` and its canonical bytes; made storable first where it is not so already, which is rare."""
    try:
        data = canonical(value)
        if b"\\u0000" not in data:
            return value, data
    except orjson.JSONEncodeError:  # half a surrogate pair, or a value that has no place in a payload
        pass
    value = checked(value, place)
    return value, canonical(value)


def _require(record: object, *names: str) -> None:
    for name in names:
        if not getattr(record, name):
            raise RecordInvalid(f"{type(record).__name__}.{name}: expected a value, got none")


def _require_numbers(record: Closed) -> None:
    for name in _NUMBERS:
        value = getattr(record, name)
        if value is not None and not -INTEGERS_BELOW < value < INTEGERS_BELOW:
            raise RecordInvalid(
                f"Closed.{name}: expected an integer below 2^53; pass None for a count that cannot be one"
            )
