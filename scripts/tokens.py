"""`affidavit token`: the local issuer. Its tokens are worth a trial: they say what whoever minted them said."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

from addons.console import reach
from addons.console.state import StateFolder
from scripts.options import json_option, state_option
from scripts.terminal import one_line, print_json, print_table

MINT_EXAMPLE = """\b
Examples:
  export AFFIDAVIT_TOKEN=$(affidavit token mint --name alice --group engineering --purpose "release notes")
  affidavit token mint --name ci-release --group engineering --lifetime 30m --json
"""


class Lifetime(click.ParamType[timedelta]):
    """`45s`, `30m`, `8h` or `7d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if found is None:
            self.fail(f"{value!r}: expected a number and s, m, h or d, as in 8h", param, ctx)
        return timedelta(**{{"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


@click.group()
def token() -> None:
    """Gateway tokens of the local issuer (trial): mint, list, revoke."""


@token.command(epilog=MINT_EXAMPLE)
@click.option("--name", required=True, help="The one person, or the named workload, that will use it.")
@click.option("--group", "groups", multiple=True, help="A group of theirs; may be given again.")
@click.option("--email", default="", help="Their address, as approvers and reports will show it.")
@click.option("--purpose", default="", help="What for; goes into each exchange's record.")
@click.option(
    "--lifetime", type=Lifetime(), default="8h", show_default=True, help="How long it is valid, at most 366d."
)
@json_option()
@state_option()
def mint(
    *,
    folder: StateFolder,
    name: str,
    groups: tuple[str, ...],
    email: str,
    purpose: str,
    lifetime: timedelta,
    as_json: bool,
) -> None:
    """Make a token. It is printed once, on stdout; the state keeps only its SHA-256."""
    body = {
        "name": name,
        "groups": list(groups),
        "email": email,
        "purpose": purpose,
        "lifetime_seconds": int(lifetime.total_seconds()),
    }
    minted = reach.ask(folder, "POST", "/tokens", body=body)
    if as_json:
        print_json(minted)
        return
    click.echo(minted["token"])
    click.echo(
        one_line(
            f"{minted['id']} for {minted['subject']} ({', '.join(minted['groups']) or 'no groups'}) until {minted['expires_at']}"
        ),
        err=True,
    )
    if not groups:
        click.echo("hint: without --group it may use no connection that names groups", err=True)


@token.command("list", epilog="\b\nExample:\n  affidavit token list --json")
@click.option("--all", "everything", is_flag=True, help="Expired and revoked ones too.")
@json_option()
@state_option()
def list_(*, folder: StateFolder, everything: bool, as_json: bool) -> None:
    """Tokens in force, oldest first; never the secrets, which are not kept."""
    rows = [row for row in reach.ask(folder, "GET", "/tokens")["tokens"] if everything or row["state"] == "in force"]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "subject", "groups", "grade", "purpose", "minted by", "until", "state"),
        (
            (
                row["id"],
                row["subject"],
                ", ".join(row["groups"]),
                row["grade"],
                row["purpose"],
                row["minted_by"],
                row["expires_at"],
                row["state"],
            )
            for row in rows
        ),
    )


@token.command(epilog="\b\nExample:\n  affidavit token revoke tk_018f2a6c-…")
@click.argument("token_id")
@json_option()
@state_option()
def revoke(*, folder: StateFolder, token_id: str, as_json: bool) -> None:
    """End a token now. Calls already on their way finish."""
    row = reach.ask(folder, "POST", f"/tokens/{token_id}/revoke")
    if as_json:
        print_json(row)
        return
    click.echo(one_line(f"{row['id']} of {row['subject']} is revoked since {row['revoked_at']}"))
