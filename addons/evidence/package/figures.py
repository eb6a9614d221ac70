"""The figures of START-HERE.html, counted in evidence.sqlite. Not their looks; not the lists (listing.py).

Each list is cut at a length that a person reads; the CSV files and the database have all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from addons.evidence.checkpoints import Checkpoint
from addons.evidence.database import Connection

LONGEST = 200  # rows of a list on the page
Row = dict[str, Any]

_COUNTS = {
    "leaves": "SELECT count(*) FROM events",
    "last_leaf": "SELECT max(seq) FROM events",
    "signed": "SELECT coalesce(max(size), 0) FROM checkpoints",
    "log_opened": "SELECT count(*) FROM events WHERE type = 'exchange.opened'",
    "log_closed": "SELECT count(*) FROM events WHERE type = 'exchange.closed'",
    "opened": "SELECT count(*) FROM exchanges",
    "closed": "SELECT count(*) FROM exchanges WHERE closed_seq IS NOT NULL",
    "still_open": "SELECT count(*) FROM exchanges WHERE closed_seq IS NULL",
    "trial": "SELECT count(*) FROM exchanges WHERE grade IS NOT 'managed'",
    "people": "SELECT count(DISTINCT subject) FROM exchanges",
    "sessions": "SELECT count(DISTINCT session_id) FROM exchanges",
    "approvals": "SELECT count(*) FROM approvals",
    "with_approval": "SELECT count(*) FROM exchanges WHERE approval_id IS NOT NULL AND outcome = 'completed'",
    "without_cover": "SELECT count(*) FROM exceptions WHERE kind = 'used_without_approval'",
    "self_approved": "SELECT count(*) FROM approvals WHERE approver = requester",
    "exceptions": "SELECT count(*) FROM exceptions WHERE kind <> 'trial_grade'",
    "erased": "SELECT count(*) FROM events WHERE type = 'payload.erased'",
}

_LISTS = {
    "outcomes": "SELECT coalesce(outcome, 'still open') AS name, count(*) AS count FROM exchanges GROUP BY 1 ORDER BY 2 DESC, 1",
    "states": "SELECT state AS name, count(*) AS count FROM approvals GROUP BY 1 ORDER BY 2 DESC, 1",
    "exceptions_by_kind": "SELECT kind AS name, count(*) AS count FROM exceptions GROUP BY 1 ORDER BY kind = 'trial_grade', 2 DESC, 1",
    "refusals": """SELECT coalesce(error, '(no code)') AS name, count(*) AS count FROM exchanges
        WHERE outcome IN ('refused', 'denied', 'expired') GROUP BY 1 ORDER BY 2 DESC, 1""",
    "gateway": """SELECT type AS name, count(*) AS count FROM events
        WHERE exchange_id IS NULL AND at >= :since AND (:until = '' OR at < :until) GROUP BY 1 ORDER BY 1""",
    "policies": "SELECT digest, loaded_at, actor FROM policies ORDER BY seq",
    "people_rows": """SELECT subject, max(email) AS email, count(*) AS exchanges, sum(outcome = 'completed') AS completed,
        sum(outcome IN ('refused', 'denied', 'expired')) AS refused, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        group_concat(DISTINCT grade) AS grade FROM exchanges GROUP BY subject ORDER BY exchanges DESC, subject""",
    "models": """SELECT provider, coalesce(response_model, request_model) AS model, count(*) AS exchanges, count(DISTINCT subject) AS people,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens FROM exchanges GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2""",
    "masked": """SELECT entity, action, wire, sum(count) AS count FROM (
          SELECT json_extract(m.value, '$[1]') AS entity, json_extract(m.value, '$[3]') AS action, json_extract(m.value, '$[6]') AS wire,
            json_extract(m.value, '$[5]') AS count FROM nodes n CROSS JOIN json_each(n.maskings) m WHERE n.maskings IS NOT NULL
          UNION ALL
          SELECT json_extract(m.value, '$[1]'), json_extract(m.value, '$[3]'), json_extract(m.value, '$[6]'), json_extract(m.value, '$[5]')
          FROM payloads p CROSS JOIN json_each(coalesce(p.request, p.reply), '$.maskings') m
        ) GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3""",
    "approval_rows": "SELECT * FROM approvals ORDER BY requested_at, id",
    "exception_rows": "SELECT * FROM exceptions WHERE kind <> 'trial_grade'",
    "checkpoints": "SELECT size, root, at FROM checkpoints ORDER BY size DESC LIMIT 1",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts by name; lists by name, each at most LONGEST rows; what the package says of itself."""

    package: dict[str, str]
    counts: dict[str, int]
    lists: dict[str, list[Row]] = field(repr=False)
    first_at: str
    last_at: str
    checkpoint: Checkpoint | None


def figures(package: Connection) -> Figures:
    newest = package.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    [first, last] = package.execute("SELECT min(opened_at), max(opened_at) FROM exchanges").fetchone()
    about = dict(package.execute("SELECT name, value FROM package").fetchall())
    return Figures(
        package=about,
        counts={name: package.execute(query).fetchone()[0] for name, query in _COUNTS.items()},
        lists={name: _rows(package, query, about) for name, query in _LISTS.items()},
        first_at=first or "",
        last_at=last or "",
        checkpoint=None if newest is None else Checkpoint.unverified(newest[0]),
    )


def _rows(package: Connection, query: str, about: dict[str, str]) -> list[Row]:
    cursor = package.execute(query, about if ":since" in query else ())
    names: Sequence[str] = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(LONGEST)]
