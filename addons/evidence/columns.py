"""Which columns each record fills, in one place for whoever writes, reads or verifies a row. Not the schema itself: see migrations.

A column's value in a payload is JSON (text, integer, boolean, list of text) and is left out where it is unknown or empty; in the row it is NULL
then, a boolean is 0 or 1, a list is canonical JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from addons.evidence.canonical import Attr, canonical

OPENED = (
    "session_id",
    "link_reason",
    "opened_at",
    "subject",
    "email",
    "groups",
    "auth_method",
    "token_id",
    "grade",
    "purpose",
    "client_address",
    "door",
    "connection",
    "provider",
    "host",
    "upstream",
    "method",
    "path",
    "operation",
    "request_model",
    "streamed",
    "gateway",
)
CLOSED = (
    "sent_at",
    "first_chunk_at",
    "closed_at",
    "outcome",
    "error",
    "response_model",
    "http_status",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "finish_reasons",
    "first_chunk_ms",
    "duration_ms",
    "approval_id",
)

# `contents.id` is for finding a text again; what holds it fast is the node's id, which commits to all 32 bytes.
CONTENT_ID_BYTES = 16

_AS_THEY_ARE = {str, int, type(None)}  # a StrEnum and a bool are not

PAYLOAD_KINDS = ("request", "reply", "meta", "approval")
PAYLOADS = (*PAYLOAD_KINDS, *(f"{kind}_salt" for kind in PAYLOAD_KINDS))

# Tables whose rows change: the newest state is also in the payload of the newest leaf that `heads` names.
ROWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "approval": (
        "approvals",
        (
            "id",
            "exchange_id",
            "rule",
            "requester",
            "approver",
            "approver_issuer",
            "auth_time",
            "amr",
            "state",
            "requested_at",
            "decided_at",
            "expires_at",
            "released_at",
            "reason",
            "payload_digest",
            "grade",
        ),
    ),
    "grant": ("grants", ("id", "approval_id", "scope", "digest", "expires_at", "used_at", "used_by", "revoked_at")),
    "token": (
        "tokens",
        (
            "id",
            "sha256",
            "subject",
            "email",
            "groups",
            "purpose",
            "minted_by",
            "minted_at",
            "expires_at",
            "revoked_at",
        ),
    ),
    "hold": ("holds", ("id", "scope", "value", "reason", "set_at", "set_by", "lifted_at", "lifted_by")),
    "role": ("roles", ("subject", "role", "granted_at", "granted_by", "ended_at", "id")),
}


def values_of(record: object, columns: Sequence[str]) -> dict[str, Attr]:
    """The known columns of a record, as a payload says them."""
    values = _getter(tuple(columns))(record)
    # not None, "" or (); 0 and False are known
    return {column: value for column, value in zip(columns, values, strict=True) if value or value == 0}


@cache
def _getter(columns: tuple[str, ...]) -> attrgetter[tuple[Attr, ...]]:
    return attrgetter(*columns)


def row_of(values: Mapping[str, Attr], columns: Sequence[str]) -> tuple[Any, ...]:
    """The same columns as the row holds them."""
    return tuple([value if type(value) in _AS_THEY_ARE else _cell(value) for value in map(values.get, columns)])


def _cell(value: Attr) -> str | int | None:
    if isinstance(value, (list, tuple)):
        return canonical(value).decode()
    return int(value) if isinstance(value, bool) else value
