"""`affidavit policy`: are the rules well formed, and can they be kept?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from addons.console.state import StateFolder
from scripts.options import json_option, state_option
from scripts.terminal import harmless, one_line, print_json

EXAMPLE = """\b
Examples:
  affidavit policy check
  affidavit policy check policies/strict
"""


@click.group()
def policy() -> None:
    """The rules: who may use what, what is masked, what needs an approval."""


@policy.command(epilog=EXAMPLE)
@click.argument("source", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option()
@state_option()
def check(*, folder: StateFolder, source: Path | None, as_json: bool) -> int:
    """Every fault of the policies in a folder, at once; the state's own where none is named. Exit 1 if there is any."""
    from addons.console.desk import policies_in  # noqa: PLC0415 -- half a second, which --help need not pay
    from addons.policy.faults import PolicyFaults  # noqa: PLC0415
    from scripts import ca  # noqa: PLC0415

    where = source or folder.policies
    try:
        policies = policies_in(where)
    except PolicyFaults as error:
        faults = [{"file": fault.file, "line": fault.line, "text": fault.text} for fault in error.faults]
        if as_json:
            print_json({"folder": str(where), "digest": None, "faults": faults, "findings": []})
        else:
            click.echo(harmless(str(error)), err=True)
        return 1
    hosts = [host for connection in policies.connections for host in connection.hosts]
    findings = (
        ca.findings(folder.ca_certificate, folder.ca_file, hosts, datetime.now(UTC))
        if folder.ca_certificate.exists()
        else ()
    )
    if as_json:
        print_json({"folder": str(where), "digest": policies.digest, "faults": [], "findings": findings})
        return 0
    click.echo(
        f"{where}: no faults; {len(policies.connections)} connections, {len(policies.masking)} masking rules, {len(policies.approval)} approval rules"
    )
    click.echo(policies.digest)
    for finding in findings:
        click.echo(one_line(f"finding: {finding}"))
    return 0
