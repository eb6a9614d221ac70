"""What the console's pages read from the store: plain SELECTs, run off the loop. Not what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

from addons.evidence.database import Connection

Row = dict[str, Any]

PAGE_ROWS = 50
RECENT = 8


@dataclass(frozen=True, slots=True)
class Filter:
    """What history is looked through for; "" is anything. rule, requester and approver: a part of the name, letter case ignored."""

    state: str = ""
    rule: str = ""
    requester: str = ""
    approver: str = ""
    since: str = ""  # a day, "2026-11-23"
    until: str = ""  # a day, that day included
    before: str = ""  # older than this approval: the next page

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        return cls(**{one.name: query.get(one.name, "").strip()[:200] for one in fields(cls)})

    def query(self) -> Row:
        """Without what is empty, and without the page."""
        return {one.name: value for one in fields(self) if one.name != "before" and (value := getattr(self, one.name))}


def approvals(
    database: Connection, wanted: Filter, *, rules: Iterable[str] | None, subject: str
) -> tuple[list[Row], str]:
    """One page, newest first, and the `before` of the next one ("": this is the last). rules None: all; else those of
    these rules, and those that `subject` asked for or decided.
    """
    values = {one.name: getattr(wanted, one.name) for one in fields(wanted)} | {
        "seen": "" if rules is None else orjson.dumps(sorted(rules)).decode(),
        "subject": subject,
        "limit": PAGE_ROWS + 1,
    }
    rows = _rows(
        database,
        "SELECT a.*, x.purpose, x.connection, x.request_model FROM approvals a LEFT JOIN exchanges x ON x.id = a.exchange_id "
        "WHERE (:state = '' OR a.state = :state) AND (:rule = '' OR instr(lower(a.rule), lower(:rule))) "
        "AND (:requester = '' OR instr(lower(a.requester), lower(:requester))) "
        "AND (:approver = '' OR instr(lower(coalesce(a.approver, '')), lower(:approver))) "
        "AND (:since = '' OR a.requested_at >= :since) AND (:until = '' OR a.requested_at < date(:until, '+1 day')) "
        "AND (:before = '' OR a.id < :before) "
        "AND (:seen = '' OR a.rule IN (SELECT value FROM json_each(:seen)) OR a.requester = :subject "
        "OR instr(', ' || a.approver || ', ', ', ' || :subject || ', ')) "
        "ORDER BY a.id DESC LIMIT :limit",
        values,
    )
    more = rows[PAGE_ROWS - 1]["id"] if len(rows) > PAGE_ROWS else ""
    return rows[:PAGE_ROWS], more


def exchanges(database: Connection, ids: Iterable[str]) -> dict[str, Row]:
    """Of each: who, what for, where to."""
    found = _rows(
        database,
        "SELECT id, email, purpose, connection, request_model, path FROM exchanges "
        "WHERE id IN (SELECT value FROM json_each(:ids))",
        {"ids": orjson.dumps(list(ids)).decode()},
    )
    return {row["id"]: row for row in found}


def asked_before(database: Connection, subject: str, approval_id: str) -> list[Row]:
    """What the requester asked for earlier, newest first."""
    return _rows(
        database,
        "SELECT id, rule, state, requested_at, approver, reason FROM approvals WHERE requester = :subject AND id < :id "
        "ORDER BY id DESC LIMIT :limit",
        {"subject": subject, "id": approval_id, "limit": RECENT},
    )


def called_before(database: Connection, subject: str, exchange_id: str) -> list[Row]:
    """The requester's earlier calls, newest first."""
    return _rows(
        database,
        "SELECT id, opened_at, connection, request_model, outcome, purpose FROM exchanges WHERE subject = :subject AND id < :id "
        "ORDER BY opened_at DESC LIMIT :limit",
        {"subject": subject, "id": exchange_id, "limit": RECENT},
    )


def roles_given(database: Connection, subject: str) -> list[str]:
    """By the register (affidavit roles), and not ended."""
    found = _rows(
        database, "SELECT role FROM roles WHERE subject = :subject AND ended_at IS NULL", {"subject": subject}
    )
    return [row["role"] for row in found]


def _rows(database: Connection, statement: str, values: Row) -> list[Row]:
    cursor = database.execute(statement, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
