"""`affidavit export`: the evidence package, for an auditor to take away. The export is a record itself, durable before the package is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from addons.console import reach
from addons.console.state import StateFolder
from addons.console.version import VERSION
from addons.evidence.database import StoreError, reader
from addons.evidence.ids import time_text
from addons.evidence.package.package import Built, Receipt, Wish, export
from addons.evidence.package.scope import Scope
from scripts.options import json_option, state_option, token_option
from scripts.report_accounting import usage_option, usage_rows
from scripts.report_masking import FILE as MASKING_RUN
from scripts.terminal import Failed, print_json, stepping

EXAMPLES = """\b
Examples:
  affidavit export ~/evidence-2026-11
  affidavit export ~/evidence-q4 --from 2026-10-01 --to 2027-01-01 --purpose "ISO 27001 surveillance audit" --seed "words of the auditor"
  affidavit export ada.zip --person 'https://login.example.com|ada' --control 8.15 --control 8.2 --usage openai.csv
"""


class Moment(click.ParamType[str]):
    """A day or an RFC 3339 time, as the store writes times; a day begins at midnight UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                day = date.fromisoformat(value)
                return time_text(datetime(day.year, day.month, day.day, tzinfo=UTC))
            return time_text(datetime.fromisoformat(value))
        except ValueError:
            self.fail(
                f"{value!r}: expected a day (2026-11-23) or a time with its zone (2026-11-23T14:00:00Z)", param, ctx
            )


@dataclass(slots=True)
class _Owner:
    """Whoever owns the state, asked through its socket; nobody: this command, for a moment."""

    folder: StateFolder
    scope: Scope
    wish: Wish
    purpose: str
    token: str
    vkey: str = ""
    receipt: Receipt | None = None

    def sign(self) -> None:
        self.vkey = reach.ask(self.folder, "POST", "/checkpoints", token=self.token)["vkey"]

    def record(self, built: Built) -> Receipt:
        body = {
            "manifest": built.manifest,
            "leaves": built.leaves,
            "since": self.scope.since,
            "until": self.scope.until,
            "chosen": {
                **{name: list(getattr(self.scope, name)) for name in ("persons", "connections", "sessions")},
                "controls": list(self.wish.controls),
                "seed": self.wish.seed,
                "sample": self.wish.sample,
            },
        }
        told = reach.ask(self.folder, "POST", "/exports", body={**body, "purpose": self.purpose}, token=self.token)
        signed = int(told["note"].split("\n")[1])  # a checkpoint's second line: how many leaves
        with reader(self.folder.database) as database:
            query = "SELECT leaf FROM events WHERE seq >= ? AND seq < ? ORDER BY seq"
            leaves = [leaf.encode() for (leaf,) in database.execute(query, (built.leaves, signed))]
        at = orjson.loads(leaves[told["seq"] - built.leaves])["at"]
        self.receipt = Receipt(at, told["reader"], told["seq"], leaves, told["note"])
        return self.receipt


@click.command("export", epilog=EXAMPLES)
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "since",
    type=Moment(),
    help="Exchanges that began then or later: a day, or a time with its zone.",
)
@click.option("--to", "until", type=Moment(), help="Exchanges that began before this.")
@click.option(
    "--person", "persons", multiple=True, help="Only this person's exchanges, named as in population.csv; repeatable."
)
@click.option("--connection", "connections", multiple=True, help="Only exchanges over this connection; repeatable.")
@click.option("--session", "sessions", multiple=True, help="Only this session; repeatable.")
@click.option(
    "--control", "controls", multiple=True, help="Only this control of ISO/IEC 27001:2022 (8.15); repeatable. Else all."
)
@click.option(
    "--seed",
    default="",
    help="The auditor's own words, said after the period: they and the log's root draw the sample.",
)
@click.option(
    "--sample",
    type=click.IntRange(0, 1000),
    default=25,
    show_default=True,
    help="How many exchanges get a page of their own.",
)
@usage_option()
@click.option(
    "--gateway",
    "gateways",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="The package of another gateway (affidavit gateways), to go into this one; repeatable.",
)
@click.option("--purpose", default="", help="Why, and for whom; goes into the record of the export.")
@token_option("Your own token: the record then names you, not only the operating system's user.")
@json_option()
@state_option()
def export_package(
    *,
    folder: StateFolder,
    out: Path,
    since: str | None,
    until: str | None,
    persons: tuple[str, ...],
    connections: tuple[str, ...],
    sessions: tuple[str, ...],
    controls: tuple[str, ...],
    seed: str,
    sample: int,
    usage: tuple[Path, ...],
    gateways: tuple[Path, ...],
    purpose: str,
    token: str | None,
    as_json: bool,
) -> None:
    """Write the evidence package OUT, a folder (or file.zip) that does not exist yet: masked, and checkable without this program."""
    folder.check()
    if since and until and since >= until:
        raise click.UsageError(f"--from {since}: expected a time before --to {until}")
    scope = Scope(since or "", until or "", persons, connections, sessions)
    run = folder.path / MASKING_RUN
    wish = Wish(seed, sample, controls, tuple(usage_rows(usage)), gateways, run.read_bytes() if run.is_file() else b"")
    owner = _Owner(folder, scope, wish, purpose, token or "")
    began = datetime.now(UTC)
    try:
        reach.ask(folder, "POST", "/counts", token=token or "")
        owner.sign()
        with stepping() as step:
            built = export(folder.database, out, scope, owner, _about(began, purpose), wish, step)
    except StoreError as error:
        raise Failed(str(error), "affidavit export --help") from error
    except OSError as error:
        raise Failed(
            f"{out}: {error.strerror or type(error).__name__}", "is there room, and may you write there?"
        ) from error
    seconds = (datetime.now(UTC) - began) / timedelta(seconds=1)
    assert owner.receipt is not None
    if as_json:
        found = {"package": str(out), "manifest": built.manifest, "leaves": built.leaves, "exchanges": built.exchanges}
        print_json({**found, "seq": owner.receipt.seq, "vkey": owner.vkey, "seconds": round(seconds, 3)})
        return
    click.echo(
        f"{out}: {built.exchanges} exchanges, {built.leaves} leaves in {seconds:.1f} s; recorded as leaf {owner.receipt.seq}"
    )
    place = out.with_suffix("") if out.suffix == ".zip" else out
    if place != out:
        click.echo(f"unpack python3 -m zipfile -e {out} {out.parent}")
    click.echo(f"open   {place}/data/START-HERE.html")
    click.echo(f"check  python3 {place}/data/verify.py --vkey '{owner.vkey}'")
    click.echo("Give the key to whoever checks by another way than the package.")


def _about(began: datetime, purpose: str) -> dict[str, str]:
    return {
        "Bagging-Date": began.date().isoformat(),
        "Bag-Software-Agent": f"affidavit {VERSION}",
        "External-Description": "Evidence of model traffic. Open data/START-HERE.html; check with: python3 data/verify.py",
        **({"Internal-Sender-Description": purpose} if purpose else {}),
    }
