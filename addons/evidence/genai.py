"""An exchange as an OpenTelemetry GenAI event, attributes only: `gen_ai.client.inference.operation.details`. Not its sending (scripts/feed.py).

Source: open-telemetry/semantic-conventions-genai at 002c8a6, all of it "Development": names change, so they are made here, at the last
moment, and nowhere else. Content is left out: it is in the store, masked, under its proofs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

EVENT = "gen_ai.client.inference.operation.details"
Attributes = dict[str, str | int | float | bool | list[str]]

_OPERATIONS = {
    "chat": "chat",
    "responses": "chat",
    "messages": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
    "generateContent": "generate_content",
}


def attributes(row: Mapping[str, Any]) -> Attributes:
    """row: of ocsf.EXCHANGES. What is not known is left out."""
    operation = row["operation"] or ""
    found = {
        "gen_ai.operation.name": _OPERATIONS.get(operation, operation or "chat"),
        "gen_ai.provider.name": row["provider"],
        "gen_ai.conversation.id": row["session_id"],
        "gen_ai.request.model": row["request_model"],
        "gen_ai.request.stream": bool(row["streamed"]),
        "gen_ai.response.model": row["response_model"],
        "gen_ai.response.finish_reasons": orjson.loads(row["finish_reasons"]) if row["finish_reasons"] else None,
        "gen_ai.response.time_to_first_chunk": None if row["first_chunk_ms"] is None else row["first_chunk_ms"] / 1000,
        "gen_ai.usage.input_tokens": row["input_tokens"],
        "gen_ai.usage.output_tokens": row["output_tokens"],
        "gen_ai.usage.reasoning.output_tokens": row["reasoning_tokens"],
        "server.address": row["host"],
        "error.type": row["error"] or (row["outcome"] if row["outcome"] not in ("completed", None) else None),
        "enduser.id": row["subject"],
        "affidavit.exchange.id": row["id"],
        "affidavit.outcome": row["outcome"] or "under way",
        "affidavit.grade": row["grade"],
        "affidavit.connection": row["connection"],
        "affidavit.approval.id": row["approval_id"],
        "affidavit.approval.approver": row["approver"],
        "affidavit.leaf.opened": row["opened_seq"],
        "affidavit.leaf.closed": row["closed_seq"],
        "affidavit.policy.digest": row["policy_digest"],
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}
