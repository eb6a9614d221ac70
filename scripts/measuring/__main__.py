"""The command line of `scripts/measure`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from scripts.measuring.rows import Row, as_json, exit_status, show
from scripts.terminal import console

Decorated = Callable[..., Any]
STANDARD_OUTPUT = Path("-")


def output_options(command: Decorated) -> Decorated:
    command = click.option(
        "--json",
        "json_path",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        is_flag=False,
        flag_value=str(STANDARD_OUTPUT),
        help="Also write the rows there; without a name, to standard output instead of the table.",
    )(command)
    return click.option("--quick", is_flag=True, help="Fewer and shorter rounds: a first look.")(command)


def finish(rows: list[Row], title: str, json_path: Path | None, tables: Sequence[Table] = ()) -> None:
    if json_path == STANDARD_OUTPUT:
        click.echo(as_json(rows))
    else:
        for table in tables:
            console().print(table)
        show(rows, console(), title)
        if json_path:
            json_path.write_text(as_json(rows) + "\n", encoding="utf-8")
    sys.exit(exit_status(rows))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Makes the figures this project states, again. Exit 1 if a `must` is missed or a row is void."""


@main.command(epilog="Example: scripts/measure speed --quick --json rows.json")
@output_options
@click.option(
    "--peers", is_flag=True, help="LiteLLM too, if it is installed (litellm on PATH, or in $AFFIDAVIT_LITELLM)."
)
def speed(*, quick: bool, json_path: Path | None, peers: bool) -> None:
    """The gateway against bare mitmdump, interleaved, one core each; loopback only. --quick: under 90 s."""
    from scripts.measuring.speed import measured  # noqa: PLC0415, the other subcommands need not pay for it

    rows, title = measured(quick=quick, peers=peers, say=lambda line: click.echo(line, err=True))
    finish(rows, title, json_path)


@main.command(epilog="Example: scripts/measure masking ../shared/masking/cases.jsonl.gz --peers")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_options
@click.option(
    "--peers",
    is_flag=True,
    help="Presidio and detect-secrets too, from the package index into an environment for this run ($AFFIDAVIT_PEERS: a Python that has them).",
)
def masking(*, file: Path, quick: bool, json_path: Path | None, peers: bool) -> None:
    """What the masks find and miss, and how fast. FILE: JSON lines {source, entity, text, expected, must_match}, gzipped or not."""
    from scripts.measuring.masking import measured  # noqa: PLC0415, as above

    rows, tables = measured(file, quick=quick, peers=peers, say=lambda line: click.echo(line, err=True))
    finish(rows, "masking", json_path, tables)


@main.command(epilog="Example: scripts/measure wire recordings.jsonl.gz --seed 7 --json rows.json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_options
@click.option(
    "--seed", type=int, help="Where bodies are cut and which door each takes; printed, so that a run can be repeated."
)
def wire(*, file: Path, quick: bool, json_path: Path | None, seed: int | None) -> None:
    """Recorded exchanges (FILE: JSON lines, gzip or plain) through the gateway; loopback only. --quick: a sample of 400."""
    from scripts.measuring.recorded import FileUnreadable  # noqa: PLC0415, as above
    from scripts.measuring.wire import measured  # noqa: PLC0415

    try:
        rows, title, tables = measured(file, quick=quick, seed=seed, say=lambda line: click.echo(line, err=True))
    except FileUnreadable as error:
        click.echo(f"error: {error}\nhint: give a file in the form of wire/exchanges.jsonl.gz", err=True)
        sys.exit(1)
    finish(rows, title, json_path, tables)


@main.command(epilog="Example: scripts/measure scale --quick")
@output_options
def scale(*, quick: bool, json_path: Path | None) -> None:
    """Verify and export a store of a million records, in bounded memory; takes ten minutes and 8 GB of disk. --quick: 40,000."""
    from scripts.measuring.scale import measured  # noqa: PLC0415, as above

    rows, title = measured(quick=quick, say=lambda line: click.echo(line, err=True))
    finish(rows, title, json_path)


if __name__ == "__main__":
    main()
