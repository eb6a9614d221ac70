"""controls/<id>/: the SQL of a control, its result as CSV, a sample, and what is judged of it. Not the SQL (controls.py), not the page.

controls/8.15/query.sql          what was asked, as it can be asked again of evidence.sqlite
controls/8.15/population.csv … exceptions.csv
controls/8.15/sample.csv         rows of the population, drawn as sampling.py says
controls/8.15/meta.json          scope, checkpoint, counts, the company's criterion, the result
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from addons.evidence.database import Connection
from addons.evidence.package.bag import Sink
from addons.evidence.package.controls import Criterion, Sheet, Table, judge
from addons.evidence.package.listing import lines
from addons.evidence.package.sampling import draw

SAMPLED = 10  # rows of each control
_SHOWN = 25  # exceptions of a control that the page has
_ROWS_AT_ONCE = 500

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """How a sample is drawn, and what the judging needs to know."""

    seed: str
    root: str
    until: str  # the end of the period, or the newest leaf's time
    explained: frozenset[str]
    about: Mapping[str, Any] = field(repr=False)  # the same in every meta.json


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One control as the page, meta.json and OSCAL have it."""

    id: str
    name: str
    older: str
    asks: str
    answers: str
    not_shown: str
    counts: str  # what the population is
    population: int
    exceptions: int
    unexplained: int
    status: str
    why: tuple[str, ...]
    criterion: Criterion
    reviewed_at: str
    tables: tuple[tuple[str, str, int], ...]  # file, what it shows, rows
    sample: tuple[Row, ...] = field(repr=False)
    wrong: tuple[Row, ...] = field(repr=False)


@dataclass(slots=True)
class _Watch:
    """What is seen of a table while it is written."""

    rows: int = 0
    columns: tuple[str, ...] = ()
    unexplained: int = 0
    first: list[Row] = field(default_factory=list)


def write_control(sink: Sink, package: Connection, sheet: Sheet, criterion: Criterion, order: Order) -> ControlResult:
    folder = f"controls/{sheet.id}"
    seen = {}
    for table in sheet.tables:
        watch = seen[table.name] = _Watch()
        sink.write(f"{folder}/{table.name}.csv", _written(package, table, watch, order.explained))
    population, wrong = seen["population"], seen["exceptions"]
    sample = _sample(package, sheet, order)
    sink.write(f"{folder}/sample.csv", [lines([population.columns, *([*row.values()] for row in sample)])])
    sink.write(f"{folder}/query.sql", [sheet.text.encode()])
    reviewed = package.execute("SELECT max(at) FROM reviews WHERE review = ?", (sheet.review,)).fetchone()[0] or ""
    verdict = judge(criterion, population.rows, wrong.unexplained, reviewed, order.until)
    result = ControlResult(
        sheet.id, sheet.name, sheet.older, sheet.asks, sheet.answers, sheet.not_shown, sheet.tables[0].title, population.rows,
        wrong.rows, wrong.unexplained, verdict.status, verdict.why, criterion, reviewed,
        tuple((f"{folder}/{table.name}.csv", table.title, seen[table.name].rows) for table in sheet.tables), tuple(sample), tuple(wrong.first),
    )  # fmt: skip
    sink.write(f"{folder}/meta.json", [_meta(sheet, result, seen, order)])
    return result


def _written(package: Connection, table: Table, watch: _Watch, explained: frozenset[str]) -> Iterator[bytes]:
    cursor = package.execute(table.sql)
    watch.columns = tuple(column[0] for column in cursor.description)
    yield lines([watch.columns])
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        watch.rows += len(rows)
        watch.unexplained += sum(row[0] not in explained for row in rows)
        for row in rows[: max(0, _SHOWN - len(watch.first))]:
            watch.first.append(dict(zip(watch.columns, row, strict=True)))
        yield lines(rows)


def _sample(package: Connection, sheet: Sheet, order: Order) -> list[Row]:
    """Drawn by the first column; a second pass fetches the rows, so that no population is held."""
    table = sheet.tables[0]
    names = (str(row[0]) for row in package.execute(table.sql))
    place = {
        drawn.name: number for number, drawn in enumerate(draw(names, f"{order.seed}\n{sheet.id}", order.root, SAMPLED))
    }
    cursor = package.execute(table.sql)
    columns = [column[0] for column in cursor.description]
    found = [row for row in cursor if str(row[0]) in place]
    return [dict(zip(columns, row, strict=True)) for row in sorted(found, key=lambda row: place[str(row[0])])]


def _meta(sheet: Sheet, result: ControlResult, seen: Mapping[str, _Watch], order: Order) -> bytes:
    criterion = result.criterion
    value = {
        "control": sheet.id,
        "name": sheet.name,
        "edition_2013": sheet.older,
        **order.about,
        "criterion": {
            "owner": criterion.owner, "rules": list(criterion.rules), "text": criterion.criterion, "tolerance": criterion.tolerance,
            "interval_days": criterion.interval_days, "reviewed_at": result.reviewed_at,
        },
        "status": result.status,
        "why": list(result.why),
        "exceptions_unexplained": result.unexplained,
        "sample": {"seed": order.seed, "rows": len(result.sample), "ranked_by": "first column; see samples/index.csv"},
        "tables": [
            {"file": f"{table.name}.csv", "shows": table.title, "view": sheet.view(table.name), "columns": list(seen[table.name].columns), "rows": seen[table.name].rows}
            for table in sheet.tables
        ],
    }  # fmt: skip
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def index(results: Sequence[ControlResult]) -> bytes:
    """controls/index.csv: one row a control."""
    head = (
        "control",
        "edition_2013",
        "name",
        "owner",
        "criterion",
        "tolerance",
        "interval_days",
        "reviewed_at",
        "population",
        "exceptions",
        "unexplained",
        "status",
        "why",
    )
    rows = [
        (one.id, one.older, one.name, one.criterion.owner, one.criterion.criterion, one.criterion.tolerance, one.criterion.interval_days or None,
         one.reviewed_at, one.population, one.exceptions, one.unexplained, one.status, "; ".join(one.why))
        for one in results
    ]  # fmt: skip
    return lines([head, *rows])
