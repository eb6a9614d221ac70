"""`affidavit policy`: are the rules well formed, and can they be kept?"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from addons.console.state import StateFolder
from scripts.options import json_option, state_option
from scripts.terminal import harmless, one_line, print_json, print_table

MEMO_BYTES = 16 << 20
EXAMPLE = """\b
Examples:
  affidavit policy check
  affidavit policy check policies/strict
"""
TEST_EXAMPLE = """\b
Examples:
  affidavit policy test                                      what these rules would have done to the last seven days
  affidavit policy test policies/strict --days 30 --json
  affidavit policy test --file prompts.jsonl --connection openai --group engineering
"""
DETECTORS_EXAMPLE = """\b
Examples:
  affidavit policy detectors
  affidavit policy detectors policies/strict --json
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


@policy.command(epilog=TEST_EXAMPLE)
@click.argument("source", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--days", type=click.IntRange(1, 36_500), default=7, show_default=True, help="Exchanges of the last DAYS."
)
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Instead: this file."
)
@click.option("--connection", default="", help="With --file: as if it went over this connection.")
@click.option("--group", "groups", multiple=True, help="With --file: as if a member of this group said it.")
@click.option("--direction", type=click.Choice(["request", "response"]), default="request", show_default=True)
@json_option()
@state_option()
def test(
    *,
    folder: StateFolder,
    source: Path | None,
    days: int,
    path: Path | None,
    connection: str,
    groups: tuple[str, ...],
    direction: str,
    as_json: bool,
) -> int:
    """What each masking rule would hit, in what was recorded or in a file. Counts, never values; nothing is written.

    What was recorded masked stays so: of it only the kind is known, so it counts under the rule that would decide it now.
    """
    from addons.console import rehearsal  # noqa: PLC0415 -- as above
    from addons.console.desk import policies_in  # noqa: PLC0415
    from addons.console.masker import masker_of, rule_of  # noqa: PLC0415
    from addons.evidence.ids import time_text  # noqa: PLC0415
    from addons.evidence.store import Store  # noqa: PLC0415

    policies = policies_in(source or folder.policies)
    masker = masker_of(policies, secrets.token_bytes(32), secrets.token_bytes(32), MEMO_BYTES)
    rules = [rule_of(rule) for rule in policies.masking]
    if path:
        said = rehearsal.lines(path.read_text(encoding="utf-8", errors="replace"), connection, groups, direction)
        rows = rehearsal.rehearse(masker, rules, said)
    else:
        folder.check()
        now = datetime.now(UTC)
        with Store.reader(folder.database) as database:
            said = rehearsal.recorded(database, time_text(now - timedelta(days=days)), time_text(now))
            rows = rehearsal.rehearse(masker, rules, said)
    if as_json:
        print_json({"policy_digest": policies.digest, "rows": [row.told() for row in rows]})
        return 0
    print_table(
        ("rule", "entity", "action", "wire", "masked then", "found now", "in"),
        tuple(
            (
                row.rule or "(no rule)",
                row.entity or "(nothing)",
                row.action,
                row.wire,
                row.masked_then,
                row.found_now,
                len(row.places),
            )
            for row in rows
        ),
    )
    return 0


@policy.command(epilog=DETECTORS_EXAMPLE)
@click.argument("source", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option()
@state_option()
def detectors(*, folder: StateFolder, source: Path | None, as_json: bool) -> int:
    """What is looked for: country, confidence per cent bare and near its context words, and the rules that decide it.

    Not looked for at all, or looked for beside the default, by a line of masking.yaml: search: {off: [DE_KFZ], on: [BIC]}
    """
    from addons.console.desk import policies_in  # noqa: PLC0415 -- as above
    from addons.console.masker import unsought  # noqa: PLC0415
    from addons.masks.catalogue import entries  # noqa: PLC0415

    policies = policies_in(source or folder.policies)
    rules, off = policies.masking, unsought(policies)
    rows = []
    for entry in entries():
        deciding = [rule for rule in rules if entry.entity in rule.entities or "*" in rule.entities]
        searched = entry.entity not in off
        rows.append(
            {
                **entry.told(),
                "searched": searched,
                "rules": [{"id": rule.id, "action": rule.action.value} for rule in deciding],
            }
        )
    if as_json:
        print_json({"detectors": rows})
        return 0
    print_table(
        ("entity", "country", "bare", "near", "default", "now", "decided by"),
        (
            (
                row["entity"],
                row["country"],
                round(row["confidence"] * 100),
                round(row["with_context"] * 100),
                row["default"],
                "on" if row["searched"] else "off",
                ", ".join(f"{rule['id']} ({rule['action']})" for rule in row["rules"]) or "(no rule: kept)",
            )
            for row in rows
        ),
    )
    return 0
