"""What the evidence says of a recorded exchange, and whether that is what the reply said. Reads the store as an auditor does: plain SQL.

Where masking is on, the record differs from the reply in masked places only: the words between two placeholders must be the reply's
own, in order.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from addons.evidence.store import Store
from scripts.measuring.recorded import Recorded
from scripts.measuring.wire_events import ANY, Said, parsed
from scripts.measuring.wire_upstream import MARK

PLACEHOLDER: Final = re.compile(r"\[[A-Z][A-Z0-9_]*(?::[^\]\s]*)?\]")


@dataclass(slots=True)
class Kept:
    """One exchange of the store."""

    endpoint: str
    outcome: str
    error: str
    status: int | None
    counts: tuple[int | None, int | None, int | None]
    parts: list[tuple[str, str, str]] = field(repr=False)  # of the reply: kind, name, content


def kept(store: Path) -> dict[str, list[Kept]]:
    """Every exchange by the mark that its request carried."""
    with Store.reader(store) as db:
        marks = {exchange: (mark, endpoint) for exchange, mark, endpoint in db.execute(_MARKS, (MARK,))}
        found: dict[str, list[Kept]] = {}
        for exchange, *rest in db.execute(_EXCHANGES):
            mark, endpoint = marks.get(exchange, ("", ""))
            outcome, error, status, *counts = rest
            parts = db.execute(_PARTS, (exchange, exchange)).fetchall()
            found.setdefault(mark, []).append(Kept(endpoint, outcome, error or "", status, tuple(counts), parts))
    return found


def tunnels(store: Path) -> list[str]:
    """Hosts to which a tunnel was opened, once each time."""
    with Store.reader(store) as db:
        return [
            json.loads(leaf)["attrs"]["host"]
            for (leaf,) in db.execute("SELECT leaf FROM events WHERE type = 'tunnel.opened'")
        ]


_MARKS: Final = """
SELECT e.exchange_id, h.value ->> 1, e.leaf ->> '$.attrs.endpoint'
FROM events e JOIN payloads p ON p.seq = e.seq, json_each(p.request, '$.headers') h
WHERE e.type = 'exchange.opened' AND lower(h.value ->> 0) = ?
"""
_EXCHANGES: Final = (
    "SELECT id, outcome, error, http_status, input_tokens, output_tokens, reasoning_tokens FROM exchanges"
)
_PARTS: Final = "SELECT kind, coalesce(name, ''), content FROM messages WHERE exchange_id = ? AND role = 'assistant' AND position >= (SELECT request_length FROM exchanges WHERE id = ?) ORDER BY position"


def differences(record: Recorded, told: Said | None, found: Kept) -> list[str]:
    """Where the store does not say what the reply said. Names of places only: contents may be somebody's."""
    if told is None:
        failed = record.status >= 400 and not found.error
        return ["error"] if failed else []
    wrong = []
    if not same(told.text, "".join(text for kind, _, text in found.parts if kind == "text")):
        wrong.append("text")
    if not same(
        told.reasoning, "".join(text for kind, name, text in found.parts if kind == "reasoning" and name != "encrypted")
    ):
        wrong.append("reasoning")
    calls = [(name, parsed(text)) for kind, name, text in found.parts if kind == "tool_call"]
    if not in_order(told.tools, calls):
        wrong.append("tools")
    names = ("input_tokens", "output_tokens", "reasoning_tokens")
    for name, count in zip(names, found.counts, strict=True):
        if (expected := getattr(told, name)) is not None and expected != count:
            wrong.append(name)
    return wrong


def in_order(told: list[tuple[str, Any]], calls: list[tuple[str, Any]]) -> bool:
    """Each call the reply names is there, in its order; between them may be such as this reading does not know."""
    rest = iter(calls)
    return all(
        any(same(name, stored) and same_value(value, arguments) for stored, arguments in rest) for name, value in told
    )


def same_value(told: Any, stored: Any) -> bool:
    if told is ANY:
        return True
    if isinstance(told, dict) and isinstance(stored, dict):
        return len(told) == len(stored) and all(
            same(key, other) and same_value(value, there)
            for (key, value), (other, there) in zip(told.items(), stored.items(), strict=True)
        )
    if isinstance(told, list) and isinstance(stored, list):
        return len(told) == len(stored) and all(map(same_value, told, stored))
    if isinstance(stored, str):
        return same(told if isinstance(told, str) else json.dumps(told), stored) or (told in ({}, None) and not stored)
    return bool(told == stored)


def same(told: str, stored: str) -> bool:
    """Equal but for what is masked."""
    if told == stored:
        return True
    between = PLACEHOLDER.split(stored)
    if len(between) > 1 and told.lstrip()[:1] in {"{", "["} and parsed(stored) != stored:
        return same_value(parsed(told), parsed(stored))  # a text that is JSON is masked as JSON, and spelled anew
    if len(between) == 1 or not told.startswith(between[0]) or not told.endswith(between[-1]):
        return False
    at = len(between[0])
    for words in between[1:-1]:
        at = told.find(words, at)
        if at < 0:
            return False
        at += len(words)
    return at <= len(told) - len(between[-1])
