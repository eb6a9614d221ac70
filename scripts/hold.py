"""`affidavit hold`: what may not be erased, by anybody or any clock, until it is lifted."""

from __future__ import annotations

import click

from addons.console import reach
from addons.console.state import StateFolder
from addons.evidence.retention import SCOPES
from scripts.options import json_option, state_option, token_option
from scripts.terminal import one_line, print_json, print_table

REASON = "One sentence; it becomes part of the evidence."
WHO = "Your own token: the record then names you, not only the operating system's user."


@click.group()
def hold() -> None:
    """Legal holds: set, lift, list."""


@hold.command(
    "set", epilog="\b\nExample:\n  affidavit hold set person 'https://issuer.example|4711' --reason \"case 12\""
)
@click.argument("scope", type=click.Choice(SCOPES))
@click.argument("value", default="")
@click.option("--reason", required=True, help=REASON)
@token_option(WHO)
@json_option()
@state_option()
def set_(*, folder: StateFolder, scope: str, value: str, reason: str, token: str | None, as_json: bool) -> None:
    """Keep SCOPE VALUE: a person's subject, a session's or an exchange's id; or everything."""
    if (scope == "everything") != (not value):
        raise click.UsageError(f"hold on {scope}: expected {'no value' if scope == 'everything' else 'a value'}")
    body = {"scope": scope, "value": value, "reason": reason}
    row = reach.ask(folder, "POST", "/holds", body=body, token=token or "")
    print_json(row) if as_json else click.echo(one_line(f"{row['id']} keeps {row['scope']} {row['value']}"))


@hold.command(epilog='\b\nExample:\n  affidavit hold lift ho_018f2a6c-… --reason "case 12 is closed"')
@click.argument("hold_id")
@click.option("--reason", required=True, help=REASON)
@token_option(WHO)
@json_option()
@state_option()
def lift(*, folder: StateFolder, hold_id: str, reason: str, token: str | None, as_json: bool) -> None:
    """What it kept past its time goes with the next sweep."""
    row = reach.ask(folder, "POST", f"/holds/{hold_id}/lift", body={"reason": reason}, token=token or "")
    print_json(row) if as_json else click.echo(one_line(f"{row['id']} is lifted"))


@hold.command("list", epilog="\b\nExample:\n  affidavit hold list --json")
@json_option()
@state_option()
def list_(*, folder: StateFolder, as_json: bool) -> None:
    """All of them, oldest first."""
    rows = reach.ask(folder, "GET", "/holds")["holds"]
    if as_json:
        print_json(rows)
        return
    columns = ("id", "scope", "value", "set_at", "set_by", "reason", "lifted_at", "lifted_by")
    print_table(columns, ([row[column] for column in columns] for row in rows))
