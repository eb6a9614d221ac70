"""`affidavit report approvals`: how decisions are made: how fast, by whom, and who only ever agrees with whom. Records nothing."""

from __future__ import annotations

from dataclasses import asdict

import click

from addons.console.state import StateFolder
from addons.evidence.approvers import AT_A_GLANCE_SECONDS, quality
from addons.evidence.database import reader
from scripts.options import json_option, state_option
from scripts.terminal import one_line, print_json, print_table


@click.command(epilog="\b\nExample:\n  affidavit report approvals --json")
@json_option()
@state_option()
def approvals(*, folder: StateFolder, as_json: bool) -> None:
    """Median time to a decision, each approver's share, approvals faster than a person reads, and pairs who approve each other."""
    folder.check()
    with reader(folder.database) as database:
        found = quality(database)
    if as_json:
        print_json(asdict(found))
        return
    click.echo(f"{found.decided} decisions, median {_seconds(found.median_seconds)}; {found.expired} expired undecided")
    print_table(
        ("approver", "decided", "share", "approved", "median", f"within {AT_A_GLANCE_SECONDS} s"),
        (
            (
                one.subject,
                one.decided,
                f"{one.share:.0%}",
                f"{one.approved / one.decided:.0%}",
                _seconds(one.median_seconds),
                one.at_a_glance,
            )
            for one in found.approvers
        ),
    )
    for one, other, given, back in found.pairs:
        click.echo(one_line(f"each for the other: {one} approved {given} of {other}, {other} approved {back} of {one}"))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
