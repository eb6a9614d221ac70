"""`affidavit report bypass`: what each person tried that went, or would have gone, round the gateway. Reads the store; records nothing."""

from __future__ import annotations

from itertools import groupby

import click

from addons.console import readings
from addons.console.state import StateFolder
from addons.evidence.database import reader
from scripts.options import json_option, state_option
from scripts.terminal import one_line, print_json

EXAMPLES = """\b
Examples:
  affidavit report bypass
  affidavit report bypass --since 2026-11-01 --json
"""
_WORDS = {
    "tunnel.opened": "tunnelled unread",
    "connect.refused": "refused at CONNECT",
    "identity.refused": "refused at the door",
    "exchange": "opened, then refused",
    "finding": "found",
}


@click.command(epilog=EXAMPLES)
@click.option(
    "--since", default="", metavar="DATE", help="From then on, UTC: 2026-11-01, or a time.  [default: everything]"
)
@json_option()
@state_option()
def bypass(*, folder: StateFolder, since: str, as_json: bool) -> None:
    """By person: undeclared providers, addresses, names that disagree, forged identities, provider keys of their own, tunnels.

    Attempts without a credential that is anybody's stand under "nobody known". What left a machine past the gateway's port leaves no
    trace here: close egress in the firewall, and compare with the provider's usage (affidavit report accounting).
    """
    folder.check()
    with reader(folder.database) as database:
        rows = readings.bypasses(database, since)
    if as_json:
        print_json(rows)
        return
    for person, attempts in groupby(rows, key=lambda row: row["person"]):
        click.echo(click.style(one_line(person or "nobody known"), bold=True))
        for row in attempts:
            what = " ".join(word for word in (row["code"], row["host"]) if word)
            when = row["first_at"] if row["count"] == 1 else f"{row['first_at']} to {row['last_at']}"
            click.echo(one_line(f"  {row['count']:>5} x {_WORDS[row['type']]}: {what}  ({when})"))
    if not rows:
        click.echo("nothing was tried")
