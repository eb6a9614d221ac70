"""`affidavit status`: what runs, what it recorded, and what an operator should look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from addons.console import reach
from addons.console.state import StateFolder
from scripts import ca
from scripts.options import json_option, state_option
from scripts.terminal import console, one_line, print_json

EXAMPLE = """\b
Example:
  affidavit status --json | jq .findings
"""


@click.command(epilog=EXAMPLE)
@json_option()
@state_option()
def status(*, folder: StateFolder, as_json: bool) -> None:
    """Versions, policy digest, log size, last outside anchor, disk left, open holds, findings."""
    answer = reach.ask(folder, "GET", "/status")
    ports = folder.ports()
    answer["gateway"] = (
        None
        if ports is None
        else {
            "proxy": ports.proxy,
            "base_url": ports.base_url,
            "pid": ports.pid,
            "console": ports.console,
        }
    )
    answer["findings"] += ca.findings(folder.ca_certificate, folder.ca_file, answer["hosts"], datetime.now(UTC))
    if as_json:
        print_json(answer)
        return
    _print(answer)


def _print(answer: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415, not needed for --json

    gateway, log = answer["gateway"], answer["log"]
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("state", answer["state"]),
        (
            "gateway",
            f"process {gateway['pid']}, proxy {gateway['proxy']}, base_url {gateway['base_url']}"
            if gateway
            else "not running",
        ),
        ("console", (gateway and gateway["console"]) or "none: affidavit_console_port in mitm.conf"),
        ("versions", ", ".join(f"{name} {value}" for name, value in answer["versions"].items())),
        ("policies", f"{answer['policies']['digest']}  {answer['policies']['folder']}"),
        ("log", f"{answer['origin']}: {log['size']} leaves"),
        ("outside anchor", _anchors(answer["anchors"])),
        ("clock", _clock(answer["clock"])),
        ("retention", _retention(answer["retention"])),
        ("disk left", f"{answer['disk_free_bytes'] / (1 << 30):.1f} GiB"),
        ("waiting", f"{answer['pending_approvals']} approvals, {answer['open_holds']} calls held now"),
        ("tokens", f"{answer['tokens_in_force']} in force"),
    ):
        table.add_row(name, one_line(str(value)))
    screen = console()
    screen.print(table)
    for finding in answer["findings"]:
        screen.print(one_line(f"finding: {finding}"), style="yellow")
    if not answer["findings"]:
        screen.print("no findings")


def _clock(clock: dict[str, Any]) -> str:
    error = f", at most {clock['max_error_us'] / 1e6:.1f} s off" if "max_error_us" in clock else ""
    return f"synchronised: {clock['synchronised']}{error}"


def _retention(kept: dict[str, Any]) -> str:
    holds = f"; {len(kept['holds'])} holds keep {kept['held_past_their_time']} past their time" if kept["holds"] else ""
    return f"{kept['overdue']} overdue{holds}"


def _anchors(anchors: dict[str, Any]) -> str:
    """How far the proof reaches, and how far each place lags behind."""
    if not anchors["places"]:
        return "none: whoever holds this machine and its keys could still rewrite the log; affidavit anchor add"
    reach = anchors["horizon"]
    horizon = f"proof reaches leaf {reach['size']}, {reach['at']}" if reach else "nothing is proven outside yet"
    lags = [
        f"{row['kind']} {row['place']} {row['fault'] or str(row['lag_leaves']) + ' leaves behind'}"
        for row in anchors["places"]
    ]
    return "; ".join([horizon, *lags])
