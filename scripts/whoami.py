"""`affidavit whoami`: whom a token stands for."""

from __future__ import annotations

import click

from addons.console.state import StateFolder
from scripts.options import gateway_option, json_option, state_option, token_option
from scripts.remote import Remote
from scripts.terminal import Failed, one_line, print_json

EXAMPLE = """\b
Example:
  AFFIDAVIT_TOKEN=afd_… affidavit whoami
"""


@click.command(epilog=EXAMPLE)
@token_option("The token to ask about.")
@gateway_option()
@json_option()
@state_option()
def whoami(*, folder: StateFolder, gateway: str, token: str | None, as_json: bool) -> None:
    """Whom a token stands for: subject, groups, grade, until when."""
    if not token:
        raise Failed("nobody is signed in", "affidavit login; or --token afd_…, or $AFFIDAVIT_TOKEN")
    caller = Remote(gateway, folder).ask("GET", "/whoami", token)
    if as_json:
        print_json(caller)
        return
    for name, value in caller.items():
        click.echo(f"{name:12} {one_line(', '.join(value) if isinstance(value, list) else str(value))}")
