"""The controls of ISO/IEC 27001:2022 that this record speaks to: one file of SQL each, in controls/, and how its result is judged.

A file is shipped as query.sql, so it is written to be read:

    -- Logging                                             the control's name, in our words
    -- 2013: A.12.4.1 A.12.4.2                              its numbers in the edition of 2013
    -- asks: … answers: … not shown: …
    -- population: what is counted    SELECT …;            the first column names a row; the sample is drawn from these
    -- table NAME: what it shows      SELECT …;
    -- exceptions: what is wrong      SELECT finding, kind, subject, at …;

To add a control, add a file. Not the rest of the package; not the company's criteria, which stand in policies/controls.yaml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("controls")
_SECTION = re.compile(r"-- (population|exceptions|table (?P<name>[a-z_]+)): (?P<title>.+)")
_REVIEWED = {"access": ("5.15", "5.16", "5.18", "8.2", "8.3", "8.4", "8.5"), "masking": ("5.34", "8.11", "8.12")}


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    sql: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One control."""

    id: str
    name: str
    older: str
    asks: str
    answers: str
    not_shown: str
    tables: tuple[Table, ...]  # population first, exceptions last
    text: str

    @property
    def views(self) -> list[tuple[str, Table]]:
        return [(self.view(table.name), table) for table in self.tables]

    @property
    def review(self) -> str:
        """Which review looks at it: access, masking, or log."""
        return next((review for review, controls in _REVIEWED.items() if self.id in controls), "log")

    def view(self, table: str) -> str:
        return f"control_{self.id.replace('.', '_')}_{table}"


def read_sheet(name: str, text: str) -> Sheet:
    head: dict[str, str] = {}
    tables: list[Table] = []
    first, *blocks = re.split(r"\n\n(?=-- )", text)
    title, *rows = first.splitlines()
    for row in rows:
        key, _, value = row.removeprefix("-- ").partition(": ")
        head[key] = value
    for block in blocks:
        found = _SECTION.match(block)
        assert found, f"controls/{name}.sql: expected a section, got {block[:40]!r}"
        tables.append(Table(found["name"] or found[1], found["title"], block[found.end() :].strip().removesuffix(";")))
    return Sheet(
        name,
        title.removeprefix("-- "),
        head["2013"],
        head["asks"],
        head["answers"],
        head["not shown"],
        tuple(tables),
        text,
    )


def _number(sheet: Sheet) -> tuple[int, ...]:
    return tuple(map(int, sheet.id.split(".")))


SHEETS = tuple(sorted((read_sheet(path.stem, path.read_text("utf-8")) for path in _FOLDER.glob("*.sql")), key=_number))


@dataclass(frozen=True, slots=True)
class Criterion:
    """What the company says of a control; the defaults where it says nothing."""

    owner: str = ""
    rules: tuple[str, ...] = ()
    criterion: str = ""
    tolerance: int = 0
    interval_days: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """operated: as the criterion wants it; exceptions: not so; not evidenced here: there is nothing to judge by."""

    status: str
    why: tuple[str, ...]


def criteria(rules: dict[str, Any]) -> dict[str, Criterion]:
    """By control, from a set of rules as policies have it."""
    found = {}
    for row in rules.get("controls", {}).get("controls", ()):
        named = row.get("rules", ())
        found[row["id"]] = Criterion(
            row.get("owner", ""), (named,) if isinstance(named, str) else tuple(named), row.get("criterion", ""),
            row.get("tolerance", 0), row.get("interval_days", 0),
        )  # fmt: skip
    return found


def judge(criterion: Criterion, population: int, unexplained: int, reviewed_at: str, until: str) -> Verdict:
    """reviewed_at, until: when it was reviewed last ("" never), and when the period ends."""
    why = []
    if unexplained > criterion.tolerance:
        why.append(f"{unexplained:,} exceptions that nobody explained; {criterion.tolerance:,} are in order")
    if criterion.interval_days and _overdue(reviewed_at, until, criterion.interval_days):
        last = f"the last one was on {reviewed_at[:10]}" if reviewed_at else "there was none"
        why.append(f"a review is due every {criterion.interval_days} days; {last}")
    if why:
        return Verdict("exceptions", tuple(why))
    return (
        Verdict("operated", ())
        if population
        else Verdict("not evidenced here", ("nothing of this kind happened in what this package holds",))
    )


def _overdue(reviewed_at: str, until: str, days: int) -> bool:
    if not reviewed_at or not until:
        return True
    return datetime.fromisoformat(until) - datetime.fromisoformat(reviewed_at) > timedelta(days=days)
