"""An exchange as an OCSF event: API Activity (6003) with the ai_operation profile, for those who have a SIEM. Not a substitute for the store.

Source: Open Cybersecurity Schema Framework 1.8, schema.ocsf.io, read 2026-11. Its record_integrity profile attests an event's own bytes;
our proof is of the leaf, so origin, index and leaf hash go into `unmapped`, and nothing is claimed that OCSF means otherwise.
Pure: a row in, a dictionary out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from addons.evidence.database import Connection

VERSION = "1.8.0"
_CLASS = 6003
_OTHER = 99  # activity: a model call creates, reads and changes nothing that OCSF has a word for
_ROWS_AT_ONCE = 500

EXCHANGES = """
SELECT x.*, o.leaf AS opened_leaf, c.leaf AS closed_leaf, a.approver, a.state AS approval_state, a.rule AS approval_rule
FROM exchanges x JOIN events o ON o.seq = x.opened_seq LEFT JOIN events c ON c.seq = x.closed_seq LEFT JOIN approvals a ON a.id = x.approval_id
WHERE x.opened_seq > ? ORDER BY x.opened_seq
"""

Row = Mapping[str, Any]


def events(database: Connection, after: int = -1) -> Iterator[tuple[int, dict[str, Any]]]:
    """(its closed leaf's number, or the opened one's; event) of each exchange opened after leaf `after`."""
    cursor = database.execute(EXCHANGES, (after,))
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for row in rows:
            found = dict(zip(names, row, strict=True))
            yield found["opened_seq"], event(found)


def event(row: Row) -> dict[str, Any]:
    """One exchange. What is not known is left out."""
    good = row["outcome"] == "completed"
    began, ended = _milliseconds(row["opened_at"]), _milliseconds(row["closed_at"])
    activity = row["operation"] or "call"
    found: dict[str, Any] = {
        "activity_id": _OTHER,
        "activity_name": activity,
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "type_uid": _CLASS * 100 + _OTHER,
        "type_name": f"API Activity: {activity}",
        "severity_id": 1 if good else 3,
        "time": began,
        "start_time": began,
        "status_id": 1 if good else 2,
        "status": "Success" if good else "Failure",
        "status_detail": row["outcome"] or "under way",
        "metadata": {
            "version": VERSION,
            "uid": row["id"],
            "correlation_uid": row["session_id"],
            "sequence": row["opened_seq"],
            "profiles": ["ai_operation"],
            "product": {"name": "Affidavit", "vendor_name": "Affidavit"},
        },
        "actor": {"user": _filled({"uid": row["subject"], "email_addr": row["email"], "groups": _groups(row["groups"])})},
        "api": {"operation": activity, "service": {"name": row["provider"] or "unknown"}},
        "src_endpoint": {"ip": row["client_address"]} if row["client_address"] else {"name": "unknown"},
        "http_request": _filled({"http_method": row["method"], "url": _filled({"hostname": row["host"], "path": row["path"]})}),
        "unmapped": _filled({
            "affidavit": _filled({
                **{name: row[name] for name in ("grade", "purpose", "door", "connection", "auth_method", "token_id", "policy_digest", "gateway")},
                **{name: row[name] for name in ("approval_id", "approver", "approval_state", "approval_rule", "link_reason", "finish_reasons")},
                "visibility": orjson.loads(row["opened_leaf"])["attrs"].get("visibility"),
                "leaves": [_leaf(row[name]) for name in ("opened_leaf", "closed_leaf") if row[name]],
            })
        }),
    }  # fmt: skip
    if ended:
        found |= {"end_time": ended, "duration": max(0, ended - began)}
    if row["error"]:
        found["status_code"] = row["error"]
    if row["host"]:
        found["dst_endpoint"] = {"hostname": row["host"]}
    if row["http_status"]:
        found["http_response"] = {"code": row["http_status"]}
    if model := row["response_model"] or row["request_model"]:
        found["ai_model"] = {"name": model, "ai_provider": row["provider"] or "unknown"}
    asked, answered = row["input_tokens"], row["output_tokens"]
    if asked is not None or answered is not None:
        total = None if asked is None or answered is None else asked + answered
        counts = {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": total}
        found["message_context"] = _filled({"service": {"name": row["provider"] or "unknown"}, **counts})
    return found


def lines(database: Connection) -> Iterator[bytes]:
    """JSON lines, in pieces of several lines."""
    pieces: list[bytes] = []
    for _, one in events(database):
        pieces.append(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
        if len(pieces) == _ROWS_AT_ONCE:
            yield b"".join(pieces)
            pieces.clear()
    yield b"".join(pieces)


def _leaf(leaf: str) -> dict[str, Any]:
    said = orjson.loads(leaf)
    return {"origin": said["origin"], "index": said["seq"], "leaf_hash": sha256(b"\x00" + leaf.encode()).hexdigest()}


def _groups(text: str | None) -> list[dict[str, str]]:
    return [{"name": group} for group in orjson.loads(text or "[]")]


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _milliseconds(moment: str | None) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0
