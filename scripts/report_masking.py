"""`affidavit report masking`: the coverage of the masking rules in force, made by running them. The table goes into the evidence package."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from addons.console.state import StateFolder
from addons.console.version import VERSION
from scripts.options import json_option, state_option
from scripts.terminal import print_json, print_table

FILE = "masking-coverage.json"
EXAMPLE = f"""\b
Examples:
  affidavit report masking                    the rules of the state; the table is kept as {FILE} beside the store
  affidavit report masking --policies policies/strict --out coverage.json
"""


@click.command(epilog=EXAMPLE)
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="These instead of the state's own.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help=f"Instead of {FILE} in the state.")
@json_option()
@state_option()
def masking(*, folder: StateFolder, policies: Path | None, out: Path | None, as_json: bool) -> int:
    """Plants values in every position, encoding, provider and transport, sends them through a gateway of its own, and looks for them in all it wrote.

    Exit 1 if any was found.
    """
    from addons.console.desk import policies_in  # noqa: PLC0415 -- half a second, which --help need not pay
    from scripts import coverage  # noqa: PLC0415

    source = policies or folder.policies
    if out is None:
        folder.check()
    loaded = policies_in(source)
    with tempfile.TemporaryDirectory(prefix="affidavit-coverage-") as place:
        rules = (source / "masking.yaml").read_text(encoding="utf-8")
        cells = coverage.run(Path(place), without_names(rules), lambda line: click.echo(line, err=True))
    report = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": VERSION,
        "policy_digest": loaded.digest,
        "planted": sum(cell.planted for cell in cells),
        "hidden": sum(cell.planted - len(cell.missed) for cell in cells),
        "cells": [cell.told() for cell in cells],
    }
    path = out or folder.path / FILE
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        show(report)
        click.echo(
            f"{report['hidden']} of {report['planted']} planted values are nowhere in what the gateway wrote; {path}"
        )
    return 0 if report["hidden"] == report["planted"] else 1


def without_names(rules: str) -> str:
    """The rules as they stand: connections and groups of the state are not those of the matrix, so rules for them apply to all of it."""
    import re  # noqa: PLC0415 -- one line

    return re.sub(
        r"(?m)^\s*(?:connections|groups):.*\n|,\s*(?:connections|groups):\s*\[[^\]]*\]",
        lambda found: "\n" if found[0].endswith("\n") else "",
        rules,
    )


def show(report: dict[str, Any]) -> None:
    encodings = list(dict.fromkeys(cell["encoding"] for cell in report["cells"]))
    planted: Counter[tuple[str, str, str]] = Counter()
    hidden: Counter[tuple[str, str, str]] = Counter()
    for cell in report["cells"]:
        key = (cell["position"], cell["transport"], cell["encoding"])
        planted[key] += cell["planted"]
        hidden[key] += cell["hidden"]
    places = dict.fromkeys((position, transport) for position, transport, _ in planted)
    print_table(
        ("position", "transport", *encodings),
        (
            (
                *place,
                *(f"{hidden[*place, one]}/{planted[*place, one]}" if planted[*place, one] else "" for one in encodings),
            )
            for place in places
        ),
    )
    for cell in report["cells"]:
        if cell["missed"]:
            click.echo(
                f"missed: {', '.join(cell['missed'])} in {cell['position']}, {cell['encoding']}, {cell['provider']}, {cell['transport']}"
            )
