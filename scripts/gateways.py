"""`affidavit gateways`: the register of other gateways whose packages belong into one with ours. Each change is a leaf of our log."""

from __future__ import annotations

from typing import Any

import click

from addons.console import reach
from addons.console.state import StateFolder
from addons.evidence.database import reader
from addons.evidence.package.gateways import register
from scripts.options import json_option, state_option, token_option
from scripts.terminal import one_line, print_json, print_table


@click.group()
def gateways() -> None:
    """Other gateways that a whole package must contain: list, add, retire."""


@gateways.command("list", epilog="\b\nExample:\n  affidavit gateways list --json")
@json_option()
@state_option()
def list_(*, folder: StateFolder, as_json: bool) -> None:
    """Those that were added, and until when they counted."""
    folder.check()
    with reader(folder.database) as database:
        rows = register(database)
    if as_json:
        print_json(
            [{"log": one.log, "key": one.key, "added_at": one.added_at, "retired_at": one.retired_at} for one in rows]
        )
        return
    print_table(
        ("log", "added at", "retired at", "key"), ((one.log, one.added_at, one.retired_at, one.key) for one in rows)
    )


@gateways.command(epilog="\b\nExample:\n  affidavit gateways add 'gateway.example.org/lyon+1a2b3c4d+…'")
@click.argument("vkey")
@token_option("Your own token: the record then names you.")
@json_option()
@state_option()
def add(*, folder: StateFolder, vkey: str, token: str | None, as_json: bool) -> None:
    """Add the gateway whose log is checked with VKEY (its `affidavit status`). From then on a package without its own is incomplete."""
    _changed(reach.ask(folder, "POST", "/gateways", body={"vkey": vkey}, token=token or ""), as_json=as_json)


@gateways.command(epilog="\b\nExample:\n  affidavit gateways retire gateway.example.org/lyon")
@click.argument("log")
@token_option("Your own token: the record then names you.")
@json_option()
@state_option()
def retire(*, folder: StateFolder, log: str, token: str | None, as_json: bool) -> None:
    """The gateway with this LOG records no more; packages of earlier periods still need it."""
    _changed(reach.ask(folder, "POST", "/gateways/retire", body={"log": log}, token=token or ""), as_json=as_json)


def _changed(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        click.echo(one_line(f"{told['log']}: {told['state']}, leaf {told['seq']}"))
