"""An exchange as the record has it: read whole, its bodies rebuilt, told as a conversation. Not flows (replay.py), not a timeline of many.

Masked, because the record is. In the form of the provider's wire as far as the record has it: what was one message of several parts and
what was several messages of one part cannot be told apart any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from addons.console import readings
from addons.evidence.database import Connection
from addons.evidence.package.plain import plain_line, plain_text

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange, as the store's views have it."""

    exchange: Row
    messages: Sequence[Row] = field(repr=False)
    commands: Sequence[Row] = field(repr=False)
    maskings: Sequence[Row] = field(repr=False)
    approvals: Sequence[Row] = field(repr=False)
    request: Row = field(repr=False)  # the payloads of its two leaves
    reply: Row = field(repr=False)

    def said(self, direction: str) -> list[Row]:
        return [message for message in self.messages if message["direction"] == direction]


def recorded(database: Connection, record_id: str) -> list[Recorded]:
    """An exchange (ex_…), or those of a session (se_…) in their order; empty where there is none."""
    if record_id.startswith("se_"):
        exchanges = readings.exchanges_of(database, record_id)
    else:
        exchanges = [found for found in [readings.exchange(database, record_id)] if found]
    return [_recorded(database, exchange) for exchange in exchanges]


def _recorded(database: Connection, exchange: Row) -> Recorded:
    found = readings.contents(database, exchange["id"])
    approval = readings.approval(database, exchange["approval_id"]) if exchange["approval_id"] else None
    if approval and approval["id"] not in {known["id"] for known in found["approvals"]}:
        found["approvals"].append(approval)
    query = "SELECT coalesce(request, reply) FROM payloads WHERE seq = ?"
    payloads = [database.execute(query, (exchange[name],)).fetchone() for name in ("opened_seq", "closed_seq")]
    request, reply = (json.loads(row[0]) if row and row[0] else {} for row in payloads)
    return Recorded(exchange, **found, request=request, reply=reply)


def timeline(found: Recorded) -> Iterator[str]:
    exchange = found.exchange
    yield f"{exchange['id']}: {exchange['outcome'] or 'still open'}; rebuilt from the record, masked"
    yield f"{exchange['opened_at']} opened by {exchange['subject']} ({exchange['grade'] or 'no grade'}), session {exchange['session_id']}"
    for name, what in (("sent_at", "sent upstream"), ("first_chunk_at", "first chunk"), ("closed_at", "closed")):
        if exchange[name]:
            yield f"{exchange[name]} {what}"
    if exchange.get("visibility"):
        yield "metadata only: no content of this connection is kept"
    if exchange["error"]:
        yield f"error: {exchange['error']}"
    for row in found.approvals:
        decided = f" by {row['approver']} at {row['decided_at']}: {row['reason'] or ''}" if row["approver"] else ""
        yield f"approval {row['id']} ({row['rule']}): {row['state']}{decided}"


def conversation(found: Recorded) -> str:
    """Everything that was said, by whom; then what it would do, what was masked and who allowed it."""
    lines: list[str] = []
    for message in found.messages:
        arrow = ">" if message["direction"] == "request" else "<"
        labels = [
            message["role"],
            "" if message["kind"] == "text" else message["kind"],
            message["name"],
            message["call_id"],
        ]
        lines += [
            f"{arrow} {plain_line(' '.join(label for label in labels if label))}",
            plain_text(message["content"] or ""),
            "",
        ]
    lines += [
        f"command   {plain_line(_words(row, 'language', 'verb', 'objects', 'evidence'))}" for row in found.commands
    ]
    lines += [
        f"masked    {plain_line(_words(row, 'count', 'entity', 'location', 'action'))}, provider got: {row['wire']}"
        for row in found.maskings
    ]
    return "\n".join([*lines, "", *map(plain_line, timeline(found))])


def _words(row: Row, *names: str) -> str:
    return " ".join(str(row[name]) for name in names if row[name] is not None)


# -- bodies ---------------------------------------------------------------------------------------------------------------


def request_body(found: Recorded) -> Row:
    """In the form of the endpoint where it is one of the two common ones; else the parts as the record has them."""
    exchange, path = found.exchange, found.exchange["path"] or ""
    said = [message for message in found.said("request") if (message["role"], message["name"]) != ("system", "tools")]
    tools = [
        _loads(message["content"])
        for message in found.said("request")
        if (message["role"], message["name"]) == ("system", "tools")
    ]
    body: Row = {"model": exchange["request_model"]} if exchange["request_model"] else {}
    body |= _object(found.request.get("parameters", "{}"))
    if tools:
        body["tools"] = tools[0] if len(tools) == 1 else tools
    if "/chat/completions" in path:
        return body | {"messages": _grouped(said, _chat_message)}
    if path.partition("?")[0].endswith("/messages"):
        system = [_block(message) for message in said if message["role"] == "system"]
        spoken = _grouped([message for message in said if message["role"] != "system"], _anthropic_message)
        return body | ({"system": system} if system else {}) | {"messages": spoken}
    return body | {"parts": [_part(message) for message in said]}


def reply_body(found: Recorded) -> Row:
    exchange, path = found.exchange, found.exchange["path"] or ""
    said = found.said("response")
    usage = {name: exchange[name] for name in ("input_tokens", "output_tokens") if exchange[name] is not None}
    if not said and exchange["error"]:
        return {"error": {"code": exchange["error"], "exchange_id": exchange["id"]}}
    finished = _loads(exchange["finish_reasons"] or "[]")
    model = exchange["response_model"] or exchange["request_model"]
    if "/chat/completions" in path:
        message = {"role": "assistant", "content": None} | (_chat_message("assistant", said) if said else {})
        choice = {"index": 0, "message": message, "finish_reason": next(iter(finished), None)}
        return {"object": "chat.completion", "model": model, "choices": [choice], "usage": usage}
    if path.partition("?")[0].endswith("/messages"):
        content = [_block(message) for message in said]
        return {
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": next(iter(finished), None),
            "usage": usage,
        }
    return {"model": model, "parts": [_part(message) for message in said], "usage": usage}


def _grouped(said: Sequence[Row], make: Callable[[str, Sequence[Row]], Row]) -> list[Row]:
    """Parts that stand together under one role are one message; each tool result is a message of its own."""
    runs = groupby(
        said, lambda message: (message["role"], message["call_id"] if message["role"] in {"tool", "function"} else "")
    )
    return [make(role, list(run)) for (role, _), run in runs]


def _chat_message(role: str, said: Sequence[Row]) -> Row:
    message: Row = {"role": role}
    if role in {"tool", "function"}:
        message["tool_call_id"] = said[0]["call_id"]
    parts = [part for part in said if part["kind"] not in {"tool_call", "reasoning"}]
    texts = [part["content"] for part in parts if part["kind"] in {"text", "tool_result"}]
    if reasons := [part["content"] or "" for part in said if part["kind"] == "reasoning"]:
        message["reasoning_content"] = "\n".join(reasons)
    message["content"] = (texts[0] if len(parts) == len(texts) == 1 else [_block(part) for part in parts]) or None
    if calls := [part for part in said if part["kind"] == "tool_call"]:
        message["tool_calls"] = [
            {
                "id": call["call_id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["content"]},
            }
            for call in calls
        ]
    return message


def _anthropic_message(role: str, said: Sequence[Row]) -> Row:
    return {"role": role, "content": [_block(part) for part in said]}


def _block(part: Row) -> Row:
    if part["kind"] == "tool_call":
        return {"type": "tool_use", "id": part["call_id"], "name": part["name"], "input": _loads(part["content"])}
    if part["kind"] == "tool_result":
        return {"type": "tool_result", "tool_use_id": part["call_id"], "content": part["content"]}
    if part["kind"] == "reasoning":
        return {"type": "thinking", "thinking": part["content"]}
    return {"type": part["kind"], "text": part["content"]}


def _part(message: Row) -> Row:
    return {name: message[name] for name in ("role", "kind", "name", "call_id", "content") if message[name]}


def _loads(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def _object(text: str) -> Row:
    value = _loads(text)
    return value if isinstance(value, dict) else {}
