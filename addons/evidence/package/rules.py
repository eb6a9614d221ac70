"""The rules in force, what changed from one set to the next, and how far the masking rules reached. Not their meaning.

policies/<sha-256>.json, policies/history.csv and diffs; masking-coverage.csv: each masking rule with what it found in the period, whether
the provider saw it, and what the last review of a sample said of misses. A rule that found nothing is there too.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

import orjson

from addons.evidence.database import Connection

HEAD = ("leaf", "loaded_at", "put_in_force_by", "digest", "what_changed", "diff")
COVERAGE_HEAD = (
    "rule", "entities", "action", "wire", "values_found", "kinds_found", "exchanges", "last_found_at", "seen_by_provider",
    "last_review_at", "last_review_looked_at", "last_review_upper_95_per_million",
)  # fmt: skip
_FOUND = """
SELECT rule, coalesce(sum(count), 0), group_concat(DISTINCT entity), count(DISTINCT exchange_id), max(at),
  coalesce(sum(CASE wire WHEN 'original' THEN count END), 0) FROM masked_values GROUP BY rule ORDER BY rule
"""
_REVIEWED = "SELECT at, result FROM reviews WHERE review = 'masking' ORDER BY leaf DESC LIMIT 1"
_SHOWN_CHANGES = 12


def history(package: Connection) -> Iterator[tuple[list[Any], str, str]]:
    """(row of history.csv, name of the diff's file, the diff) of each set of rules, in order; no diff for the first."""
    before: dict[str, Any] = {}
    number = 0
    for seq, at, actor, digest, content in package.execute(
        "SELECT seq, loaded_at, actor, digest, content FROM policies ORDER BY seq"
    ):
        now = orjson.loads(content)
        changes = list(_changes(before, now)) if number else ["the first rules of this log"]
        shown = "; ".join(changes[:_SHOWN_CHANGES]) + (
            f"; and {len(changes) - _SHOWN_CHANGES} more" if len(changes) > _SHOWN_CHANGES else ""
        )
        name = f"policies/change-{number:03}.diff" if number else ""
        yield [seq, at, actor, digest, shown or "nothing", name], name, _diff(before, now, digest) if number else ""
        before, number = now, number + 1


def coverage(package: Connection, rules: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of masking-coverage.csv: the rules in force in their order, then what stands under rules that are no more."""
    found = {row[0]: row[1:] for row in package.execute(_FOUND)}
    at, said = package.execute(_REVIEWED).fetchone() or (None, "{}")
    result = orjson.loads(said or "{}")
    review = (at, result.get("looked_at"), result.get("upper_95_per_million"))
    known = [one for one in rules.get("masking", {}).get("rules", ()) if isinstance(one, dict) and "id" in one]
    for one in [*known, *({"id": name} for name in sorted(found.keys() - {one["id"] for one in known}))]:
        entities = one.get("entities", ())
        told = " ".join(entities) if isinstance(entities, list) else str(entities or "")
        values, kinds, exchanges, last, seen = found.get(one["id"], (0, None, 0, None, 0))
        yield (
            one["id"],
            told,
            one.get("action"),
            one.get("wire", "none") if one in known else None,
            values,
            kinds,
            exchanges,
            last,
            seen,
            *review,
        )


def _changes(before: Any, now: Any, place: str = "") -> Iterator[str]:
    """Places that differ, as a person names them: masking.rules.cards.wire."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            here = f"{place}.{key}".lstrip(".")
            if key not in now:
                yield f"{here}: taken out"
            elif key not in before:
                yield f"{here}: new"
            else:
                yield from _changes(before[key], now[key], here)
    elif isinstance(before, list) and isinstance(now, list) and _named(before) and _named(now):
        yield from _changes({one["id"]: one for one in before}, {one["id"]: one for one in now}, place)
    elif before != now:
        yield f"{place}: changed"


def _named(rows: list[Any]) -> bool:
    return bool(rows) and all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in rows)


def _diff(before: Any, now: Any, digest: str) -> str:
    old, new = (
        orjson.dumps(one, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode().splitlines(keepends=True)
        for one in (before, now)
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in unified_diff(old, new, "before", digest))
