"""`affidavit anchor`: who outside this machine attests the log's checkpoints. Without one, who holds the machine could rewrite it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from addons.console import reach
from addons.console.anchoring import KINDS
from addons.console.state import StateFolder
from addons.evidence.check_anchors import TIMESTAMP, WITNESS, anchors
from addons.evidence.database import reader
from scripts.options import json_option, state_option
from scripts.terminal import Failed, one_line, print_json, print_table

EXAMPLES = """\b
Examples:
  affidavit anchor add witness 'w.example+1a2b3c4d+BA…' --url https://w.example/
  affidavit anchor add rfc3161 https://tsa.example/ --ca tsa-roots.pem
  affidavit anchor add file /mnt/security-team
  affidavit anchor add git /srv/anchors --push
"""


@click.group()
def anchor() -> None:
    """Who outside attests the log: add, remove, list, now, save."""


@anchor.command(epilog=EXAMPLES)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("place")
@click.option("--url", default="", help="Of a witness: what add-checkpoint comes after.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of a timestamp authority: its roots, PEM.",
)
@click.option("--push", is_flag=True, help="Of a git repository: push after each commit.")
@click.option(
    "--every",
    "seconds",
    type=click.IntRange(1, 86_400),
    help="Seconds between two.  [default: 60; rfc3161 and git: 900]",
)
@json_option()
@state_option()
def add(
    *,
    folder: StateFolder,
    kind: str,
    place: str,
    url: str,
    ca: Path | None,
    push: bool,
    seconds: int | None,
    as_json: bool,
) -> None:
    """PLACE: a witness's key, an authority's URL, a folder. It is tried at once; one that does not work is not added."""
    if kind == WITNESS and not url:
        raise click.UsageError("a witness needs --url")
    if kind == TIMESTAMP and ca is None:
        raise click.UsageError("a timestamp authority needs --ca: without its roots nobody can tell who signed")
    body: dict[str, Any] = {"kind": kind, "place": place, "url": url, "ca": str(ca.absolute()) if ca else ""}
    body |= {"push": "yes"} if push else {}
    body |= {"seconds": seconds} if seconds else {}
    _print(reach.ask(folder, "POST", "/anchors", body=body), as_json=as_json)


@anchor.command(epilog="\b\nExample:\n  affidavit anchor remove w.example")
@click.argument("place")
@json_option()
@state_option()
def remove(*, folder: StateFolder, place: str, as_json: bool) -> None:
    """No longer show checkpoints to PLACE. That it was removed is in the record."""
    _print(reach.ask(folder, "POST", "/anchors/remove", body={"place": place}), as_json=as_json)


@anchor.command("list", epilog="\b\nExample:\n  affidavit anchor list --json")
@json_option()
@state_option()
def list_(*, folder: StateFolder, as_json: bool) -> None:
    """Each place, what it attested last, and how far the proof reaches."""
    _print(reach.ask(folder, "GET", "/anchors"), as_json=as_json)


@anchor.command(epilog="\b\nExample:\n  affidavit anchor now")
@json_option()
@state_option()
def now(*, folder: StateFolder, as_json: bool) -> int:
    """Sign a checkpoint and show it to all places, whatever their time. Exit status 1 if one of them failed."""
    told = reach.ask(folder, "POST", "/anchors/now")
    _print(told, as_json=as_json)
    return 1 if any(row["fault"] for row in told["places"]) else 0


@anchor.command(
    epilog="\b\nExample:\n  affidavit anchor save anchors && openssl ts -verify -data anchors/7-rfc3161.checkpoint \\\n    -in anchors/7-rfc3161.tsr -CAfile tsa-roots.pem"
)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@state_option()
def save(*, folder: StateFolder, out: Path) -> None:
    """Write each anchor as files into OUT: the checkpoint, and a timestamp's token (.tsr)."""
    with reader(folder.database) as store:
        found = list(anchors(store))
    if not found:
        raise Failed("nothing is anchored yet", "affidavit anchor add --help")
    out.mkdir(parents=True, exist_ok=True)
    for each in found:
        path = out / f"{each.size}-{each.kind}.checkpoint"
        path.write_text(each.note, "utf-8", newline="")
        if each.kind == TIMESTAMP:
            path.with_suffix(".tsr").write_bytes(each.proof)
        click.echo(f"{path}  {each.at}  {one_line(each.place)}")


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    rows = told["places"]
    columns = ("kind", "place", "at", "size", "lag_leaves", "fault")
    print_table(columns, ([row[column] for column in columns] for row in rows))
    reached = told["horizon"]
    click.echo(f"proof reaches leaf {reached['size']}, {reached['at']}" if reached else "nothing is proven outside yet")
