"""`affidavit roles`: the register of roles: given, by whom, ended. Each change is a record; nothing is ever taken out."""

from __future__ import annotations

import click

from addons.console import reach
from addons.console.state import StateFolder
from scripts.options import json_option, state_option, token_option
from scripts.terminal import one_line, print_json, print_table


@click.group()
def roles() -> None:
    """Who was given which role, by whom, until when: list, grant, end."""


@roles.command("list", epilog="\b\nExample:\n  affidavit roles list --json")
@json_option()
@state_option()
def list_(*, folder: StateFolder, as_json: bool) -> None:
    """Newest first; those that ended too."""
    rows = reach.ask(folder, "GET", "/roles")["roles"]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("who", "role", "given at", "by", "ended at"),
        ((row["subject"], row["role"], row["granted_at"], row["granted_by"], row["ended_at"]) for row in rows),
    )


@roles.command(epilog="\b\nExample:\n  affidavit roles grant 'https://login.example.com|ada' data-owners")
@click.argument("subject")
@click.argument("role")
@token_option("Your own token: the role then stands as given by you.")
@json_option()
@state_option()
def grant(*, folder: StateFolder, subject: str, role: str, token: str | None, as_json: bool) -> None:
    """Give SUBJECT (as population.csv names people) the ROLE, the name of a group that approves or administers. Never your own."""
    _set(folder, subject, role, token, as_json=as_json, end=False)


@roles.command(epilog="\b\nExample:\n  affidavit roles end 'https://login.example.com|ada' data-owners")
@click.argument("subject")
@click.argument("role")
@token_option("Your own token: the end then stands under your name.")
@json_option()
@state_option()
def end(*, folder: StateFolder, subject: str, role: str, token: str | None, as_json: bool) -> None:
    """End the ROLE of SUBJECT; the row stays, with its end."""
    _set(folder, subject, role, token, as_json=as_json, end=True)


def _set(folder: StateFolder, subject: str, role: str, token: str | None, *, as_json: bool, end: bool) -> None:
    told = reach.ask(folder, "POST", "/roles", body={"subject": subject, "role": role, "end": end}, token=token or "")
    if as_json:
        print_json(told)
        return
    click.echo(
        one_line(
            f"{subject}: {role}, given {told['granted_at']} by {told['granted_by']}"
            + (f", ended {told['ended_at']}" if end else "")
        )
    )
