"""`affidavit explain`: a named person says why a finding is as it is. A record, like the finding itself; nothing is taken away."""

from __future__ import annotations

import click

from addons.console import reach
from addons.console.state import StateFolder
from scripts.options import json_option, state_option, token_option
from scripts.terminal import one_line, print_json

EXAMPLES = """\b
Examples:
  affidavit explain usage:openai:key_abc --reason "the batch team's own key, ends in December" --token afd_…
  affidavit explain leaf-1207 --reason "the test of the firewall on Monday"
"""


@click.command(epilog=EXAMPLES)
@click.argument("finding")
@click.option("--reason", required=True, help="Why it is as it is; an auditor reads it beside the finding.")
@token_option("Your own token: the explanation stands under your name.")
@json_option()
@state_option()
def explain(*, folder: StateFolder, finding: str, reason: str, token: str | None, as_json: bool) -> None:
    """Explain FINDING: an exchange, an approval, a leaf (leaf-12) or a key or day of a usage export, as the reports name it."""
    if not reason.strip():
        raise click.UsageError("--reason: expected a sentence, got nothing")
    told = reach.ask(
        folder, "POST", "/explanations", body={"finding": finding, "reason": reason.strip()}, token=token or ""
    )
    if as_json:
        print_json(told)
    else:
        click.echo(one_line(f"{finding}: explained by {told['explained_by']}, leaf {told['seq']}"))
