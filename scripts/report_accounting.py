"""`affidavit report accounting`: is every call accounted for? Reads the store; changes and records nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from addons.console.state import StateFolder
from addons.evidence.accounting import Equation, accounts
from addons.evidence.database import reader
from addons.evidence.usage_exports import UsageInvalid, UsageRow, read_usage
from scripts.options import Decorator, json_option, state_option
from scripts.terminal import Failed, one_line, print_json

EXAMPLES = """\b
Examples:
  affidavit report accounting
  affidavit report accounting --usage completions_usage_2026-11.csv --usage anthropic.json
"""
_SHOWN = 20


def usage_option() -> Decorator:
    return click.option(
        "--usage",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        multiple=True,
        help="A usage export (CSV or JSON) of OpenAI, Anthropic, Google, AWS or Azure; repeatable.",
    )


@click.command(epilog=EXAMPLES)
@usage_option()
@json_option()
@state_option()
def accounting(*, folder: StateFolder, usage: tuple[Path, ...], as_json: bool) -> int:
    """Equations over the whole store, and what does not fit. Exit status 1 if one does not hold."""
    folder.check()
    with reader(folder.database) as database:
        equations = accounts(database, usage_rows(usage))
    if as_json:
        print_json([{**asdict(equation), "text": equation.text} for equation in equations])
    else:
        for equation in equations:
            _print(equation)
    return 1 if any(equation.holds is False for equation in equations) else 0


def usage_rows(paths: tuple[Path, ...]) -> list[UsageRow]:
    rows: list[UsageRow] = []
    for path in paths:
        try:
            rows += read_usage(path.name, path.read_text("utf-8", "replace"))
        except UsageInvalid as error:
            message, _, hint = str(error).rpartition("; ")
            raise Failed(message, hint) from error
    return rows


def _print(equation: Equation) -> None:
    word, colour = {True: ("holds", "green"), False: ("DOES NOT HOLD", "red"), None: ("not compared", "yellow")}[
        equation.holds
    ]
    click.echo(
        f"{click.style(equation.name, bold=True)}  {click.style(word, fg=colour)}  {equation.text if equation.left else ''}"
    )
    click.echo(f"  {equation.says}")
    for remark in equation.remarks:
        click.echo(one_line(f"  {remark}"))
    for gap in equation.gaps[:_SHOWN]:
        said = (
            f"explained by {gap.explained.who}: {gap.explained.reason}"
            if gap.explained
            else f"affidavit explain {gap.finding}"
        )
        click.echo(one_line(f"  - {gap.finding}  {gap.what}  ({said})"))
    if len(equation.gaps) > _SHOWN:
        click.echo(f"  … {len(equation.gaps) - _SHOWN} more: --json")
