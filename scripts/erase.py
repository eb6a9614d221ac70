"""`affidavit erase`: a person or a session, from every table, file and WAL of the state; the proof that it was there stays."""

from __future__ import annotations

import click

from addons.console import reach
from addons.console.state import StateFolder
from scripts.options import json_option, state_option, token_option
from scripts.terminal import Failed, one_line, print_json

EXAMPLES = """\b
Examples:
  affidavit erase --person 'https://issuer.example|4711' --reason "request 12 of the data subject"
  affidavit erase --session se_018f2a6c-… --reason "test data" --token afd_…
  affidavit erase --due                   what retention.yaml says has had its time; the gateway does this daily
"""


@click.command(epilog=EXAMPLES)
@click.option("--person", help="The subject, as `affidavit sessions` shows it.")
@click.option("--session", "session_id", help="A session's id.")
@click.option("--due", is_flag=True, help="Everything past its time and on no hold.")
@click.option(
    "--reason", default="", help="One sentence; it becomes part of the evidence, so it should not name the person."
)
@token_option("Your own token: who asks for it.")
@json_option()
@state_option()
def erase(
    *,
    folder: StateFolder,
    person: str | None,
    session_id: str | None,
    due: bool,
    reason: str,
    token: str | None,
    as_json: bool,
) -> int:
    """Prompts, replies and particulars go; leaves and checkpoints stay. The first time it asks somebody to agree (retention.yaml:
    erasure); once they have, the same command carries it out. Exit status 1 while nothing is erased.
    """
    if (person is not None) + (session_id is not None) + due != 1:
        raise click.UsageError("expected one of --person, --session, --due")
    if due:
        swept = reach.ask(folder, "POST", "/sweeps")
        print_json(swept) if as_json else click.echo(f"{swept['exchanges']} exchanges, {swept['leaves']} leaves erased")
        return 0
    if not reason:
        raise click.UsageError("--reason: why, in one sentence")
    scope, value = ("person", person) if person is not None else ("session", session_id)
    body = {"scope": scope, "value": value, "reason": reason}
    told = reach.ask(folder, "POST", "/erasures", body=body, token=token or "")
    if as_json:
        print_json(told)
    elif told["state"] == "erased":
        click.echo(
            one_line(
                f"erased: {told['exchanges']} exchanges, {told['messages']} messages; recorded as leaf {told['seq']}"
            )
        )
        if told["kept_decisions"]:
            click.echo(
                f"{told['kept_decisions']} decisions about others' requests stay: they are evidence about others"
            )
        if not told["wal_cut"]:
            raise Failed(
                "erased from the store, not yet from its WAL: a reader holds it", "close readers; affidavit erase --due"
            )
    elif told["state"] == "pending":
        asked = told["approval"]
        click.echo(one_line(f"{asked['id']} waits for {', '.join(asked['groups'])}; it names {told['target']}"))
        click.echo(f"they type: affidavit approvals approve {asked['id']} --reason …; then repeat this command")
    else:
        click.echo(one_line(f"{told['approval']['id']} is {told['state']}: {told['approval']['reason']}"))
    return 0 if told["state"] == "erased" else 1
