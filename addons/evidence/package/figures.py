"""The figures of START-HERE.html, counted in evidence.sqlite. Not their looks; not the lists (listing.py).

Each list is cut at a length that a person reads; the CSV files and the database have all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from addons.evidence.check_anchors import Anchor, newest_proving
from addons.evidence.checkpoints import Checkpoint
from addons.evidence.database import Connection
from addons.evidence.package.charts import Chart, chart

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
    "metadata_only": "SELECT count(*) FROM without_content",
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
    "metadata_rows": "SELECT connection, provider, count(*) AS exchanges, count(DISTINCT subject) AS people FROM without_content GROUP BY 1, 2 ORDER BY 1, 2",
    "masked": """SELECT entity, action, wire, sum(count) AS count FROM masked_values GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3""",
    "approval_rows": "SELECT * FROM approvals ORDER BY requested_at, id",
    "exception_rows": """SELECT kind, subject, coalesce(model, connection) AS what, coalesce(iif(json_valid(detail), json_extract(detail, '$.code'), NULL), detail) AS why,
        count(*) AS count, min(at) AS first_at, max(at) AS last_at, min(finding) AS finding, sum(explained_by IS NULL) AS unexplained,
        max(explained_by) AS explained_by, max(explanation) AS explanation
        FROM exceptions WHERE kind <> 'trial_grade' GROUP BY 1, 2, 3, 4
        ORDER BY kind IN ('refused', 'denied', 'identity.refused', 'expired'), unexplained = 0, first_at IS NULL, first_at, kind, subject, what, why""",
    "checkpoints": "SELECT size, root, at FROM checkpoints ORDER BY size DESC LIMIT 1",
    "other_gateways": "SELECT gateway AS name, count(*) AS count FROM exchanges GROUP BY 1 ORDER BY 1",
    "usage": """SELECT provider, key, sum(requests) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        min(day) AS first_day, max(day) AS last_day FROM provider_usage GROUP BY 1, 2 ORDER BY 1, 2""",
}


_DAYS = {
    "volume": "SELECT substr(opened_at, 1, 10), coalesce(outcome, 'under way'), count(*) FROM exchanges GROUP BY 1, 2",
    "masked": "SELECT substr(at, 1, 10), CASE wire WHEN 'original' THEN 'seen by the provider' ELSE 'kept from the provider' END, sum(count) FROM masked_values GROUP BY 1, 2",
    "approvals": "SELECT substr(requested_at, 1, 10), state, count(*) FROM approvals WHERE requested_at IS NOT NULL GROUP BY 1, 2",
}
_SERIES = {
    "volume": ("completed", "refused", "denied", "failed", "aborted", "interrupted", "expired", "under way"),
    "masked": ("kept from the provider", "seen by the provider"),
    "approvals": ("approved", "denied", "expired", "cancelled", "pending"),
}
_TITLES = {
    "volume": "Exchanges, by how they ended",
    "masked": "Values masked in the record, by what the provider got",
    "approvals": "Calls that a rule held, by what became of them",
}
_RUNS = """
SELECT s.at, (SELECT count(*) FROM exchanges x WHERE x.opened_seq >= s.seq AND (n.seq IS NULL OR x.opened_seq < n.seq)),
  (SELECT e.at FROM events e WHERE e.seq = coalesce(n.seq, 1 << 62) - 1), n.at,
  (SELECT e.at FROM events e WHERE e.type = 'gateway.stopped' AND e.type NOT IN ('exchange.opened', 'exchange.closed')
    AND e.seq > s.seq AND (n.seq IS NULL OR e.seq < n.seq) LIMIT 1)
FROM (SELECT seq, at, lead(seq) OVER (ORDER BY seq) AS following FROM events
  WHERE type = 'gateway.started' AND type NOT IN ('exchange.opened', 'exchange.closed')) s
LEFT JOIN events n ON n.seq = s.following ORDER BY s.seq
"""


@dataclass(frozen=True, slots=True)
class Run:
    """The gateway from one start to its end. stopped: it ended in order; else it crashed, or runs still."""

    started: str
    last: str  # its last sign of life
    stopped: bool
    still: bool
    exchanges: int
    down_seconds: int  # until the next start


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the time between the first start and the newest leaf the gateway ran."""

    runs: tuple[Run, ...]
    up_seconds: int
    whole_seconds: int

    @property
    def percent(self) -> str:
        """Cut, not rounded: 100 % is said of a gateway that was never down only."""
        if not self.whole_seconds:
            return "-"
        hundredths = 10_000 * self.up_seconds // self.whole_seconds
        return f"{hundredths // 100}.{hundredths % 100:02d} %"

    @property
    def crashes(self) -> int:
        return sum(not run.stopped and not run.still for run in self.runs)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts by name; lists by name, each at most LONGEST rows; what the package says of itself."""

    package: dict[str, str]
    counts: dict[str, int]
    lists: dict[str, list[Row]] = field(repr=False)
    first_at: str
    last_at: str
    newest_at: str  # of the newest leaf
    checkpoint: Checkpoint | None
    horizon: Anchor | None  # the newest checkpoint that somebody outside attested
    coverage: Coverage
    charts: tuple[Chart, ...] = field(repr=False)
    rules: dict[str, Any] = field(repr=False)  # in force at the end


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
        newest_at=package.execute("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetchone()[0],
        checkpoint=None if newest is None else Checkpoint.unverified(newest[0]),
        horizon=newest_proving(package),
        coverage=_coverage(package),
        charts=tuple(found for name, query in _DAYS.items() if (found := _chart(package, name, query))),
        rules=orjson.loads(
            (package.execute("SELECT content FROM policies ORDER BY seq DESC LIMIT 1").fetchone() or ("{}",))[0]
        ),
    )


def _coverage(package: Connection) -> Coverage:
    newest = package.execute("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetchone()[0]
    runs = []
    for started, exchanges, last, following, stopped in package.execute(_RUNS).fetchall():
        end = stopped or last or newest
        runs.append(
            Run(
                started,
                end,
                stopped is not None,
                stopped is None and following is None,
                exchanges,
                _seconds(end, following) if following else 0,
            )
        )
    if not runs:
        return Coverage((), 0, 0)
    return Coverage(
        tuple(runs), sum(_seconds(run.started, run.last) for run in runs), _seconds(runs[0].started, newest)
    )


def _seconds(before: str, after: str) -> int:
    return max(0, int((datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()))


def _chart(package: Connection, name: str, query: str) -> Chart | None:
    days: dict[str, dict[str, int]] = {}
    for day, series, count in package.execute(query):
        days.setdefault(day, {})[series] = count or 0
    return chart(_TITLES[name], days, _SERIES[name])


def _rows(package: Connection, query: str, about: dict[str, str]) -> list[Row]:
    cursor = package.execute(query, about if ":since" in query else ())
    names: Sequence[str] = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(LONGEST)]
