"""A sampled exchange as a HAR 1.2 file, which a browser's developer tools open; its proofs lie beside it. Not the bytes on the wire.

Bodies are the record's masked messages as JSON, not what was sent byte for byte: the record does not have that, and says so in `comment`.
Source: the HAR 1.2 specification; names that begin with an underscore are free for the writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Row = Mapping[str, Any]
_COMMENT = "masked, as it is recorded: parts of messages as JSON, not the bytes on the wire"


def har(
    exchange: Row,
    messages: Sequence[Row],
    payloads: Mapping[str, Mapping[str, Any]],
    proofs: Sequence[Mapping[str, Any]],
) -> bytes:
    """payloads: of the opened and closed leaf, {"request": …, "reply": …}; proofs: leaf and inclusion proof of each leaf."""
    asked, answered = payloads.get("request", {}), payloads.get("reply", {})
    host, path = exchange["host"] or "unknown.invalid", exchange["path"] or "/"
    first, total = exchange["first_chunk_ms"], exchange["duration_ms"] or 0
    wait = min(first, total) if first is not None else total
    entry = {
        "startedDateTime": exchange["opened_at"],
        "time": total,
        "request": {
            "method": exchange["method"] or "POST",
            "url": f"https://{host}{path}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(asked),
            "queryString": [],
            "postData": {
                "mimeType": "application/json",
                "params": [],
                "text": _text({"model": exchange["request_model"], "parameters": asked.get("parameters"), "messages": _parts(messages, "request")}),
                "comment": _COMMENT,
            },
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": exchange["http_status"] or 0,
            "statusText": exchange["outcome"] or "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(answered),
            "content": {
                "size": -1,
                "mimeType": "application/json",
                "text": _text({"model": exchange["response_model"], "messages": _parts(messages, "response")}),
                "comment": _COMMENT,
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": total - wait},
        "_affidavit": {"exchange": {key: value for key, value in exchange.items() if value is not None and key not in ("request_node", "reply_node")}, "proofs": list(proofs)},
    }  # fmt: skip
    log = {"version": "1.2", "creator": {"name": "Affidavit", "version": "1"}, "entries": [entry]}
    return orjson.dumps({"log": log}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _headers(payload: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in payload.get("headers", ())]


def _parts(messages: Sequence[Row], direction: str) -> list[dict[str, Any]]:
    names = ("role", "kind", "name", "call_id", "content")
    return [
        {name: row[name] for name in names if row[name] is not None}
        for row in messages
        if row["direction"] == direction
    ]


def _text(value: dict[str, Any]) -> str:
    return orjson.dumps({name: each for name, each in value.items() if each}).decode()
