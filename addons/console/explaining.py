"""Why an approval rule decided a recorded call, or did not: the rules of its own time, asked again of what the record has. Not a decision.

The record is masked and keeps no sizes of attachments, so a pattern may fit otherwise than it did, and `first_use` cannot be told at all.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from addons.console import readings
from addons.evidence.database import Connection
from addons.masks.engine import ENTITIES
from addons.policy.approval_rules import CommandFact, Facts, Rulebook
from addons.policy.load import parse
from addons.policy.model import Direction, Policies
from addons.providers.registry import PROVIDER_NAMES

Row = dict[str, Any]


def explained(database: Connection, exchange_id: str) -> list[Row] | None:
    """Each rule in its order, for the request and then for the reply's tool calls; None: there is no such exchange."""
    exchange = readings.exchange(database, exchange_id)
    if exchange is None:
        return None
    policies = _policies_of(database, exchange["policy_digest"])
    if policies is None:
        return []
    book, said = Rulebook(policies.approval), readings.contents(database, exchange_id)
    endpoint = database.execute("SELECT leaf FROM events WHERE seq = ?", (exchange["opened_seq"],)).fetchone()[0]
    return [
        {
            "rule": one.rule.id,
            "direction": direction.value,
            "then": one.rule.then.value,
            "fits": one.fits,
            "reached": one.reached,
            "why": list(one.why),
        }
        for direction in Direction
        for one in book.explain(_facts(exchange, said, json.loads(endpoint)["attrs"].get("endpoint", ""), direction))
        if one.rule.when.direction is direction
    ]


def _policies_of(database: Connection, digest: str) -> Policies | None:
    """As they were in force then: the record has them as JSON, which YAML reads."""
    row = database.execute("SELECT content FROM policies WHERE digest = ? LIMIT 1", (digest,)).fetchone()
    if row is None:
        return None
    texts = {f"{name}.yaml": json.dumps(content) for name, content in json.loads(row[0]).items()}
    return parse(texts, Path(digest), entities=ENTITIES, providers=PROVIDER_NAMES)


def _facts(exchange: Row, said: dict[str, list[Row]], endpoint: str, direction: Direction) -> Facts:
    asked = direction is Direction.REQUEST
    messages = [
        row for row in said["messages"] if row["direction"] == direction.value and (asked or row["kind"] == "tool_call")
    ]
    calls = [row for row in messages if row["kind"] == "tool_call"]
    found: Counter[str] = Counter()
    for row in said["maskings"] if asked else ():
        found[row["entity"]] += row["count"]
    return Facts(
        direction=direction,
        connection=exchange["connection"] or "",
        provider=exchange["provider"] or "",
        model=exchange["request_model"] or "",
        groups=tuple(json.loads(exchange["groups"] or "[]")),
        entities=found,
        texts=tuple(row["content"] or "" for row in messages),
        tools=tuple(row["name"] or "" for row in calls),
        commands=()
        if asked
        else tuple(
            CommandFact(row["language"], row["verb"] or "", tuple(json.loads(row["objects"] or "[]")))
            for row in said["commands"]
        ),
        endpoint=endpoint,
        attachments=tuple(("", row["kind"], 0) for row in messages if row["kind"] in {"image", "audio", "document"}),
        estimated_tokens=sum(len(row["content"] or "") for row in messages) // 4,
        at=datetime.fromisoformat(exchange["opened_at"]),
        purpose=exchange["purpose"] or "",
    )
