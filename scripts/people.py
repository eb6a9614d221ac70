"""`affidavit people`: who uses the gateway, and beside the identity provider's list, who left and still can. That it was read is recorded."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from addons.console import reach
from addons.console.state import StateFolder
from addons.evidence.database import reader
from addons.evidence.ids import time_text
from addons.evidence.people import Match, PeopleInvalid, matched, read_people, users
from scripts.options import json_option, state_option, token_option
from scripts.terminal import Failed, print_json, print_table

EXAMPLES = """\b
Examples:
  affidavit people
  affidavit people --idp-export okta-users.csv --json
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--idp-export",
    "export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="People as the identity provider lists them: CSV or JSON of Okta, Entra ID, Google, Keycloak or SCIM.",
)
@token_option("Your own token: the record of this reading then names you.")
@json_option()
@state_option()
def people(*, folder: StateFolder, export: Path | None, token: str | None, as_json: bool) -> int:
    """Who calls, with groups, roles and tokens in force. With --idp-export: leavers, what they did after, how long removal took; exit 1 if any."""
    folder.check()
    now = time_text(datetime.now(UTC))
    reach.ask(
        folder,
        "POST",
        "/reads",
        body={"what": "people", "id": export.name if export else "all", "purpose": "review of access"},
        token=token or "",
    )
    with reader(folder.database) as database:
        if export is None:
            found = [Match(user, "") for user in users(database, now)]
        else:
            try:
                found = matched(database, read_people(export.name, export.read_text("utf-8", "replace")), now)
            except PeopleInvalid as error:
                message, _, hint = str(error).rpartition("; ")
                raise Failed(message, hint) from error
    wrong = [
        match
        for match in found
        if match.state == "left" and (match.calls_after or match.user.tokens or match.lag_seconds is None)
    ]
    if as_json:
        print_json(
            {"people": [asdict(match) for match in found], "to_look_at": [match.user.subject for match in wrong]}
        )
        return 1 if wrong else 0
    print_table(
        ("who", "e-mail", "grade", "groups", "roles", "tokens", "calls", "last call", "list says", "after leaving", "removal took"),
        (
            (
                match.user.subject, match.user.email, match.user.grade, ", ".join(match.user.groups), ", ".join(match.user.roles), match.user.tokens,
                match.user.calls, match.user.last_at[:19], f"{match.state} {match.ended_at[:10]}", f"{match.calls_after} calls" if match.calls_after else "",
                _lag(match),
            )
            for match in found
        ),
    )  # fmt: skip
    for match in wrong:
        click.echo(
            f"look at {match.user.subject}: left{' ' + match.ended_at[:10] if match.ended_at else ', nobody says when'}; {match.calls_after} calls after that, {match.user.tokens} tokens in force"
        )
    return 1 if wrong else 0


def _lag(match: Match) -> str:
    if match.state != "left":
        return ""
    return (
        "not known"
        if match.lag_seconds is None
        else f"{match.lag_seconds / 86400:.1f} days"
        if match.lag_seconds
        else "at once"
    )
