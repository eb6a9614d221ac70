"""What commands read from the store: plain SELECTs over a short read-only connection. Not the store's own queries, not what people see.

Names of tables, views and columns are the store's promise (the gateway's design, section 4). Nothing here is unmasked, because
nothing in the store is.
"""

from __future__ import annotations

from typing import Any

import orjson

from addons.evidence.database import Connection
from addons.evidence.records import ApprovalRow, GrantRow, TokenRow

Row = dict[str, Any]

_TOTALS = """
  count(*) AS calls, sum(outcome = 'completed') AS completed, sum(outcome IN ('refused', 'denied', 'expired')) AS refused,
  sum(outcome IN ('failed', 'aborted', 'interrupted')) AS failed, sum(closed_at IS NULL) AS open,
  sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
"""
_LINKS = """
  sum(link_reason NOT IN ('new', 'prefix', 'tool_result')) AS linked_explicitly, sum(link_reason IN ('prefix', 'tool_result')) AS linked_by_inference
"""


WAS_SENT = {
    "connection": "SELECT 1 FROM exchanges WHERE subject = ? AND connection IS ? AND sent_at IS NOT NULL LIMIT 1",
    "model": "SELECT 1 FROM exchanges WHERE subject = ?1 AND (request_model IS ?2 OR response_model = ?2) "
    "AND sent_at IS NOT NULL LIMIT 1",  # the second: named in a WebSocket
}


def tokens(database: Connection) -> tuple[TokenRow, ...]:
    rows = _rows(database, "SELECT * FROM tokens")
    return tuple(TokenRow(**_filled(row) | {"groups": tuple(orjson.loads(row["groups"] or "[]"))}) for row in rows)


def proofs(database: Connection, now: str) -> dict[str, Row]:
    """By token in force: how its owner signed in, where an issuer has told."""
    found = database.execute(
        "SELECT t.id, json_extract(p.meta, '$.proof') FROM tokens t JOIN heads h ON h.kind = 'token' AND h.id = t.id "
        "JOIN payloads p ON p.seq = h.seq WHERE t.expires_at > ? AND t.revoked_at IS NULL",
        (now,),
    )
    return {token: orjson.loads(said) for token, said in found if said}


def tokens_used(database: Connection, day: str) -> list[tuple[str, int]]:
    """Of models, by subject, in the exchanges opened on a day ("2026-11-25", UTC)."""
    rows = _rows(
        database,
        "SELECT subject, sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS used FROM exchanges "
        "WHERE opened_at >= ?1 AND opened_at < ?1 || '~' GROUP BY subject",
        day,
    )
    return [(row["subject"], row["used"]) for row in rows if row["used"]]


def waiting(database: Connection, now: str) -> tuple[tuple[ApprovalRow, GrantRow | None], ...]:
    """Each approval that can still change something at `now`: pending, decided and not past its time, used on and on, or to be
    reviewed; with its grant.
    """
    newest = _rows(
        database,
        "SELECT a.id, p.approval AS payload FROM approvals a JOIN heads h ON h.kind = 'approval' AND h.id = a.id "
        "JOIN payloads p ON p.seq = h.seq LEFT JOIN grants g ON g.approval_id = a.id "
        "WHERE (a.state = 'pending' OR a.expires_at > ?1 OR g.expires_at > ?1 "
        "OR json_extract(p.approval, '$.details.review_due')) AND p.approval IS NOT NULL ORDER BY a.id",
        now,
    )
    return tuple((_approval(orjson.loads(row["payload"])), _grant(database, row["id"])) for row in newest)


def delegations(database: Connection, now: str) -> list[Row]:
    """Those that have not ended."""
    return _rows(database, "SELECT * FROM roles WHERE role GLOB 'delegate:*' AND ended_at > ? ORDER BY granted_at", now)


def approval_payload(database: Connection, approval_id: str) -> Row | None:
    """What the newest leaf about an approval says, details and receipt included; None where there is none, or it is erased."""
    found = _rows(
        database,
        "SELECT h.seq, p.approval AS payload FROM heads h JOIN payloads p ON p.seq = h.seq WHERE h.kind = 'approval' AND h.id = ?",
        approval_id,
    )
    return {"seq": found[0]["seq"], **orjson.loads(found[0]["payload"])} if found and found[0]["payload"] else None


def receipts(database: Connection, approval_id: str) -> list[str]:
    """The signed notes about one approval: of each vote and decision, then of each use."""
    rows = _rows(
        database,
        "SELECT json_extract(p.approval, '$.details.receipt') AS note FROM events e JOIN payloads p ON p.seq = e.seq "
        "WHERE e.type IN ('approval.decided', 'approval.used') AND json_extract(e.leaf, '$.attrs.approval') = ? ORDER BY e.seq",
        approval_id,
    )
    return [row["note"] for row in rows if row["note"]]


def was_sent(database: Connection, subject: str, what: str, name: str) -> bool:
    """Whether a call of this person went upstream before; what: "connection" or "model"."""
    return database.execute(WAS_SENT[what], (subject, name or None)).fetchone() is not None


def policy_digest(database: Connection) -> str:
    """Of the policies that were put in force last; "" before the first."""
    row = database.execute("SELECT digest FROM policies ORDER BY seq DESC LIMIT 1").fetchone()
    return "" if row is None else str(row[0])


def last_start(database: Connection) -> Row:
    """What the newest `gateway.started` says of code, versions and options; empty before the first."""
    row = database.execute(
        "SELECT leaf FROM events WHERE type = 'gateway.started' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return {} if row is None else orjson.loads(row[0])["attrs"]


def log(database: Connection) -> Row:
    size = database.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()[0]
    signed = database.execute("SELECT size, at FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone() or (0, None)
    return {"size": size, "signed_size": signed[0], "signed_at": signed[1]}


def approvals(database: Connection, state: str | None, limit: int = 200) -> list[Row]:
    """Newest first; `state` None: all."""
    return _rows(
        database,
        "SELECT * FROM approvals WHERE ?1 IS NULL OR state = ?1 ORDER BY requested_at DESC LIMIT ?2",
        state,
        limit,
    )


def approval(database: Connection, approval_id: str) -> Row | None:
    return next(iter(_rows(database, "SELECT * FROM approvals WHERE id = ?", approval_id)), None)


def approval_whole(database: Connection, approval_id: str) -> ApprovalRow | None:
    """With its details; None where nobody knows it, or what it was about has been erased."""
    found = _rows(
        database,
        "SELECT p.approval AS payload FROM heads h JOIN payloads p ON p.seq = h.seq "
        "WHERE h.kind = 'approval' AND h.id = ? AND p.approval IS NOT NULL",
        approval_id,
    )
    return _approval(orjson.loads(found[0]["payload"])) if found else None


def roles(database: Connection) -> list[Row]:
    """The register: given, by whom, ended; newest first."""
    return _rows(
        database, "SELECT subject, role, granted_at, granted_by, ended_at FROM roles ORDER BY granted_at DESC, id"
    )


_BARE = "json_extract(e.leaf, '$.attrs.visibility') = 'metadata'"  # its connection keeps no content


def sessions(database: Connection, limit: int, subject: str | None) -> list[Row]:
    """Newest first, with how their exchanges ended."""
    return _rows(
        database,
        f"SELECT s.*, (SELECT count(*) FROM exchanges x JOIN events e ON e.seq = x.opened_seq WHERE x.session_id = s.session_id AND {_BARE}) "  # noqa: S608 -- our own words
        "AS metadata_only FROM (SELECT session_id, min(opened_at) AS began_at, max(coalesce(closed_at, opened_at)) AS last_at, subject, "
        f"group_concat(DISTINCT connection) AS connections, group_concat(DISTINCT request_model) AS models, {_TOTALS}, {_LINKS} "
        "FROM exchanges WHERE ?1 IS NULL OR subject = ?1 GROUP BY session_id ORDER BY began_at DESC LIMIT ?2) s ORDER BY s.began_at DESC",
        subject,
        limit,
    )


_EXCHANGE = "SELECT x.*, json_extract(e.leaf, '$.attrs.visibility') AS visibility FROM exchanges x JOIN events e ON e.seq = x.opened_seq"


def exchange(database: Connection, exchange_id: str) -> Row | None:
    """Its row; `visibility` is "metadata" where its connection keeps no content, else None."""
    return next(iter(_rows(database, f"{_EXCHANGE} WHERE x.id = ?", exchange_id)), None)


def exchanges_of(database: Connection, session_id: str) -> list[Row]:
    return _rows(database, f"{_EXCHANGE} WHERE x.session_id = ? ORDER BY x.opened_at, x.id", session_id)


def contents(database: Connection, exchange_id: str) -> dict[str, list[Row]]:
    """What was said, what it would do, what was masked, and who allowed it."""
    return {
        "messages": _rows(database, "SELECT * FROM messages WHERE exchange_id = ? ORDER BY position", exchange_id),
        "commands": _rows(database, "SELECT * FROM commands WHERE exchange_id = ? ORDER BY position", exchange_id),
        "maskings": _rows(database, "SELECT * FROM maskings WHERE exchange_id = ?", exchange_id),
        "approvals": _rows(
            database, "SELECT * FROM approvals WHERE exchange_id = ? ORDER BY requested_at", exchange_id
        ),
    }


def totals_of_token(database: Connection, token_id: str, first: int) -> Row:
    """What one token was used for since leaf `first`."""
    used = "FROM exchanges x WHERE x.token_id = ?1 AND x.opened_seq >= ?2"
    (row,) = _rows(database, f"SELECT count(DISTINCT session_id) AS sessions, {_TOTALS} {used}", token_id, first)
    masked = database.execute(
        "SELECT coalesce(sum(count), 0) FROM (SELECT DISTINCT x.session_id, m.location, m.entity, m.token, m.count "  # noqa: S608 -- our own words; history is sent again
        f"{used.replace('exchanges x', 'exchanges x JOIN maskings m ON m.exchange_id = x.id')})",
        (token_id, first),
    ).fetchone()[0]
    session_ids = [one for (one,) in database.execute(f"SELECT DISTINCT session_id {used}", (token_id, first))]
    return {name: value or 0 for name, value in row.items()} | {"masked": masked, "session_ids": session_ids}


def asked_for(database: Connection, token_id: str, word: str) -> bool:
    """Whether an exchange under this token has `word` in its path."""
    found = database.execute(
        "SELECT 1 FROM exchanges WHERE token_id = ? AND instr(path, ?) LIMIT 1", (token_id, word)
    ).fetchone()
    return found is not None


def turned_away(database: Connection, first: int) -> list[Row]:
    """What came to the gateway since leaf `first` and became no exchange: refused at the door, or tunnelled unread."""
    return _rows(
        database,
        "SELECT type, json_extract(leaf, '$.attrs.code') AS code, json_extract(leaf, '$.attrs.host') AS host, count(*) AS count "
        "FROM events WHERE seq >= ? AND type IN ('identity.refused', 'connect.refused', 'tunnel.opened') "
        "GROUP BY 1, 2, 3 ORDER BY min(seq)",
        first,
    )


# What somebody does who wants to get round, or whose client does it for them; and calls that were opened, then refused by a right.
_BYPASS_FINDINGS = (
    "'client_key_removed', 'identity_header_ignored', 'routing_header_ignored', 'client_tls_failed', 'token_shared', "
    "'request_not_whole', 'login_ended_by_issuer'"
)


def bypasses(database: Connection, since: str) -> list[Row]:
    """Attempts since a time ("" : all), by person ("" : nobody that is known), reason and host: how often, when first and last."""
    return _rows(
        database,
        f"""
        WITH attempts AS (
          SELECT coalesce(actor, '') AS person, type, json_extract(leaf, '$.attrs.code') AS code, at, seq,
            coalesce(nullif(json_extract(leaf, '$.attrs.host'), ''), json_extract(leaf, '$.attrs.detail'), '') AS host
          FROM events WHERE at >= ?1 AND (type IN ('identity.refused', 'connect.refused', 'tunnel.opened')
            OR (type = 'finding' AND json_extract(leaf, '$.attrs.code') IN ({_BYPASS_FINDINGS})))
          UNION ALL
          SELECT subject, 'exchange', error, opened_at, opened_seq, connection FROM exchanges
          WHERE opened_at >= ?1 AND outcome = 'refused'
        )
        SELECT person, type, coalesce(code, '') AS code, host, count(*) AS count, min(at) AS first_at, max(at) AS last_at
        FROM attempts GROUP BY person, type, code, host ORDER BY person = '', person, min(seq)
        """,  # noqa: S608 -- constants of this file
        since,
    )


def _grant(database: Connection, approval_id: str) -> GrantRow | None:
    rows = _rows(database, "SELECT * FROM grants WHERE approval_id = ?", approval_id)
    return GrantRow(**_filled(rows[0])) if rows else None


def _approval(payload: Row) -> ApprovalRow:
    """The row with its details, as the newest leaf has them; a payload leaves out what is empty."""
    row = payload["approval"]
    known = {
        name: row.get(name, "")
        for name in ("exchange_id", "rule", "requester", "payload_digest", "expires_at", "requested_at")
    }
    return ApprovalRow(**row | known | {"amr": tuple(row.get("amr", ())), "details": payload.get("details", {})})


def _filled(row: Row) -> Row:
    """NULL as the records have it: empty text."""
    return {name: "" if value is None else value for name, value in row.items()}


def _rows(database: Connection, statement: str, *values: object) -> list[Row]:
    cursor = database.execute(statement, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
