"""How long what is recorded may stay, what is past its time, and what a legal hold keeps. Not the erasing: erasure.py.

The clock of an exchange begins when it was opened. Its content goes after `content_days`, all else of it after `metadata_days`; leaves,
their times and pseudonyms stay for ever, which is what the proof is made of. What belongs to no exchange (refusals, reads, findings)
goes after the metadata days of the default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from addons.evidence.database import Connection
from addons.evidence.ids import time_text

SCOPES = ("person", "session", "exchange", "everything")
# Leaves without an exchange whose payload is about somebody. What decides something later (tokens, roles, holds) has its own end.
AT_THE_DOOR = (
    "identity.refused",
    "connect.refused",
    "tunnel.opened",
    "tunnel.closed",
)  # the id they bear is of no exchange
AGEING = (*AT_THE_DOOR, "finding", "evidence.read", "evidence.exported")


@dataclass(frozen=True, slots=True)
class Kept:
    """Days that content and metadata stay."""

    content_days: int
    metadata_days: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """of: the days of an exchange by its connection and its person's groups; default: of all else; shortest: no content goes earlier."""

    of: Callable[[str, tuple[str, ...]], Kept]
    default: Kept
    shortest: int


@dataclass(frozen=True, slots=True)
class Due:
    """What is past its time and not on hold, oldest first: ids of exchanges, and leaves without one."""

    content: tuple[str, ...]
    everything: tuple[str, ...]
    leaves: tuple[int, ...]
    held: int  # past their time, and kept by a hold

    @property
    def count(self) -> int:
        return len(self.content) + len(self.everything) + len(self.leaves)


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in force."""

    id: str
    scope: str
    value: str

    def keeps(self, subject: str, session_id: str, exchange_id: str) -> bool:
        named = {"person": subject, "session": session_id, "exchange": exchange_id}
        return self.scope == "everything" or named.get(self.scope) == self.value


def holds(connection: Connection) -> tuple[Hold, ...]:
    """Those in force, oldest first."""
    query = "SELECT id, scope, coalesce(value, '') FROM holds WHERE lifted_at IS NULL ORDER BY set_at, id"
    return tuple(Hold(*row) for row in connection.execute(query))


def kept_by(holds_in_force: Iterable[Hold], subject: str, session_id: str, exchange_id: str) -> Hold | None:
    return next((hold for hold in holds_in_force if hold.keeps(subject, session_id, exchange_id)), None)


def due(connection: Connection, clocks: Clocks, now: datetime) -> Due:
    """All of it, by one look at the store."""
    in_force = holds(connection)
    content, everything, held = [], [], 0
    rows = connection.execute(_OLDER, (_before(now, clocks.shortest),))
    for exchange_id, session_id, subject, name, groups, opened_at, has_content in rows:
        days = clocks.of(name or "", tuple(_list(groups)))
        goes = opened_at < _before(now, days.metadata_days)
        if not goes and not (has_content and opened_at < _before(now, days.content_days)):
            continue
        if kept_by(in_force, subject, session_id, exchange_id):
            held += 1
        elif goes:
            everything.append(exchange_id)
        else:
            content.append(exchange_id)
    leaves: list[int] = []
    for kind in () if any(hold.scope == "everything" for hold in in_force) else AGEING:
        rows = connection.execute(_AGED, (kind, _before(now, clocks.default.metadata_days), kind in AT_THE_DOOR))
        leaves += [
            seq for seq, subject in rows if not any(h.scope == "person" and h.value == subject for h in in_force)
        ]
    return Due(tuple(content), tuple(everything), tuple(sorted(leaves)), held)


def _before(now: datetime, days: int) -> str:
    return time_text(now - timedelta(days=days))


def _list(text: str | None) -> list[Any]:
    value = orjson.loads(text or "[]")
    return value if isinstance(value, list) else []


_OLDER = """
SELECT x.id, x.session_id, x.subject, x.connection, x.groups, x.opened_at,
  EXISTS (SELECT 1 FROM payloads p WHERE p.seq IN (x.opened_seq, x.closed_seq) AND (p.request IS NOT NULL OR p.reply IS NOT NULL))
FROM exchanges x WHERE x.opened_at < ? AND x.closed_seq IS NOT NULL ORDER BY x.opened_at
"""
_AGED = """
SELECT e.seq, e.actor FROM events e JOIN payloads p ON p.seq = e.seq
WHERE e.type = ?1 AND e.at < ?2 AND p.meta IS NOT NULL AND (e.exchange_id IS NULL OR ?3)
"""
