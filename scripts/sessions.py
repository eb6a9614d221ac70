"""`affidavit sessions`: what happened, newest first. Who, when, which model, how it ended; no content."""

from __future__ import annotations

import click

from addons.console import readings
from addons.console.state import StateFolder
from addons.evidence.store import Store
from scripts.options import json_option, state_option
from scripts.terminal import print_json, print_table

EXAMPLE = """\b
Examples:
  affidavit sessions
  affidavit sessions --subject "local|alice" --limit 5 --json
"""


@click.command(epilog=EXAMPLE)
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True)
@click.option("--subject", help="Only this person's: issuer|name.")
@json_option()
@state_option()
def sessions(*, folder: StateFolder, limit: int, subject: str | None, as_json: bool) -> None:
    """Sessions: calls of one person that belong together, because client or provider says so (explicit), or by their content (inferred)."""
    folder.check()
    with Store.reader(folder.database) as database:
        rows = readings.sessions(database, limit, subject)
    if as_json:
        print_json(rows)
        return
    print_table(
        (
            "session",
            "began",
            "who",
            "connection",
            "model",
            "calls",
            "linked: explicit/inferred",
            "completed",
            "refused",
            "failed",
            "open",
            "tokens in/out",
        ),
        (
            (
                row["session_id"],
                row["began_at"][:19] + "Z",
                row["subject"],
                (row["connections"] or "") + (" (metadata only)" if row["metadata_only"] else ""),
                row["models"],
                row["calls"],
                f"{row['linked_explicitly'] or 0}/{row['linked_by_inference'] or 0}",
                row["completed"],
                row["refused"],
                row["failed"],
                row["open"],
                f"{row['input_tokens'] or 0}/{row['output_tokens'] or 0}",
            )
            for row in rows
        ),
    )
