"""`affidavit audit --rehearse`: what an auditor would raise today, found with the package's own queries. Nothing is left behind."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from addons.console import reach
from addons.console.state import StateFolder
from addons.evidence.accounting import accounts, explanations
from addons.evidence.database import Connection, reader, sqlite_notes
from addons.evidence.ids import time_text
from addons.evidence.package.controls import SHEETS, Criterion, criteria, judge
from addons.evidence.package.figures import figures
from addons.evidence.package.scope import Scope
from addons.evidence.package.snapshot import take
from scripts.export import Moment
from scripts.options import json_option, state_option, token_option
from scripts.report_accounting import usage_option, usage_rows
from scripts.terminal import one_line, print_json

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Raised:
    """One thing an auditor would write down."""

    about: str  # "8.15 Logging", "accounting", "proof"
    what: str
    examples: tuple[str, ...]
    do: str


@click.command(
    epilog="\b\nExamples:\n  affidavit audit --rehearse\n  affidavit audit --rehearse --from 2026-10-01 --usage openai.csv --json"
)
@click.option("--rehearse", is_flag=True, required=True, help="Go through what an auditor would, without one.")
@click.option("--from", "since", type=Moment(), help="Exchanges that began then or later.")
@click.option("--to", "until", type=Moment(), help="Exchanges that began before this.")
@usage_option()
@token_option("Your own token: the record of this reading then names you.")
@json_option()
@state_option()
def audit(
    *,
    folder: StateFolder,
    rehearse: bool,
    since: str | None,
    until: str | None,
    usage: tuple[Path, ...],
    token: str | None,
    as_json: bool,
) -> int:
    """Sums that do not hold, controls with exceptions, reviews that are due, criteria that are missing. Exit status 1 if there is anything."""
    assert rehearse
    folder.check()
    rows = tuple(usage_rows(usage))
    reach.ask(
        folder,
        "POST",
        "/reads",
        body={"what": "audit", "id": "rehearsal", "purpose": "rehearsal of an audit"},
        token=token or "",
    )
    with tempfile.TemporaryDirectory(
        prefix=".rehearsal-", dir=folder.path
    ) as place:  # in the state: masked, but nobody else's to read
        path = Path(place) / "evidence.sqlite"
        take(
            folder.database,
            path,
            Scope(since or "", until or ""),
            lambda: reach.ask(folder, "POST", "/checkpoints"),
            {},
            rows,
        )
        with reader(path) as package:
            found = [
                *_sums(package, rows),
                *_controls(package, until or time_text(datetime.now(UTC))),
                *_proof(package),
            ]
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            click.echo(f"{click.style(one.about, bold=True)}: {one_line(one.what)}")
            for example in one.examples:
                click.echo(one_line(f"    {example}"))
            click.echo(f"    do: {one.do}")
        click.echo(click.style(f"{len(found)} points" if found else "nothing to raise", bold=True))
    return 1 if found else 0


def _sums(package: Connection, usage: tuple[object, ...]) -> list[Raised]:
    found = []
    for equation in accounts(package, usage):  # type: ignore[arg-type] # rows of usage_rows()
        gaps = [gap for gap in equation.gaps if gap.explained is None]
        if equation.holds is False:
            examples = tuple(f"{gap.finding}: {gap.what}" for gap in gaps[:_SHOWN])
            found.append(
                Raised(
                    f"accounting, {equation.name}",
                    f"does not hold: {equation.text}; {len(gaps)} gaps nobody explained",
                    examples,
                    "look at each, then affidavit explain FINDING --reason …",
                )
            )
        elif equation.holds is None:
            found.append(
                Raised(
                    f"accounting, {equation.name}",
                    "; ".join(equation.remarks) or "nothing to compare with",
                    (),
                    "give the provider's export with --usage; let the gateway run",
                )
            )
    return found


def _controls(package: Connection, now: str) -> list[Raised]:
    said = criteria(figures(package).rules)
    explained = explanations(package)
    found = []
    for sheet in SHEETS:
        criterion = said.get(sheet.id, Criterion())
        rows = package.execute(sheet.tables[-1].sql).fetchall()
        wrong = [row for row in rows if row[0] not in explained]
        [population] = package.execute(f"SELECT count(*) FROM ({sheet.tables[0].sql})").fetchone()  # noqa: S608 our own files
        reviewed = package.execute("SELECT max(at) FROM reviews WHERE review = ?", (sheet.review,)).fetchone()[0] or ""
        verdict = judge(criterion, population, len(wrong), reviewed, now)
        about = f"{sheet.id} {sheet.name} ({sheet.older})"
        if verdict.status == "exceptions":
            examples = tuple(" ".join(str(cell) for cell in row if cell is not None) for row in wrong[:_SHOWN])
            found.append(
                Raised(
                    about,
                    "; ".join(verdict.why),
                    examples,
                    f"affidavit explain FINDING, affidavit review {sheet.review}, or tolerance in controls.yaml",
                )
            )
        if sheet.id in {"5.3", "8.2", "8.11", "8.15"} and not criterion.owner:
            found.append(Raised(about, "nobody is named as its owner", (), "add it to controls.yaml"))
    return found


def _proof(package: Connection) -> list[Raised]:
    found = []
    if figures(package).horizon is None:
        what = "no outside anchor: whoever holds the machine and its key could have rewritten the log up to now"
        found.append(Raised("proof", what, (), "name a witness or a timestamp authority (mitm.conf)"))
    return found + [Raised("SQLite", note, (), "update SQLite") for note in sqlite_notes()]
