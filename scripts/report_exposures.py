"""`affidavit report exposures`: what reached which provider unmasked, by kind, person and rule. Reads the store; changes and records nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from addons.console.state import StateFolder
from addons.evidence.database import reader
from addons.evidence.exposures import exposures as found_exposures
from addons.evidence.ids import time_text
from scripts.options import json_option, state_option
from scripts.terminal import print_json, print_table

EXAMPLE = """\b
Examples:
  affidavit report exposures
  affidavit report exposures --days 365 --json
"""


@click.command(epilog=EXAMPLE)
@click.option(
    "--days", type=click.IntRange(1, 36_500), default=30, show_default=True, help="Exchanges of the last DAYS."
)
@json_option()
@state_option()
def exposures(*, folder: StateFolder, days: int, as_json: bool) -> None:
    """What the masks found in requests that were sent, and that no rule masked on the wire. What no detector finds is not in it.

    Connections that keep metadata only (visibility: metadata) stand last, as CONTENT_NOT_KEPT: nobody can say what was sent over them.
    """
    folder.check()
    now = datetime.now(UTC)
    with reader(folder.database) as database:
        rows = found_exposures(database, time_text(now - timedelta(days=days)), time_text(now + timedelta(days=1)))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        ("provider", "connection", "entity", "person", "rule", "in the record", "exchanges", "times", "values", "first", "last"),
        (
            (row.provider, row.connection, row.entity, row.email or row.subject, row.rule, row.action, row.exchanges, row.occurrences, row.values or "", row.first_sent_at[:19], row.last_sent_at[:19])
            for row in rows
        ),
    )  # fmt: skip
