"""What commands print: errors as `error:` then `hint:`, JSON for programs, and recorded text that cannot drive the terminal.

Recorded prompts and replies are written by strangers. ESC sequences, C1 controls and bidirectional overrides in them are
shown as what they are, never sent to the terminal (CWE-150); `--json` escapes everything outside ASCII.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

# C0 but tab and newline, DEL, C1; line and paragraph separators; bidirectional marks, embeddings, overrides and isolates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Failed(click.ClickException):
    """The command was refused or failed: exit 1."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def harmless(text: str) -> str:
    """The text with each control character as a picture (␛ for ESC) or its number (<U+202E>); tab and newline stay."""
    return _UNSAFE.sub(_picture, text)


def one_line(text: str, width: int | None = None) -> str:
    """The same on one line, so that a value cannot pass for a line of ours; of the first `width` characters, where given."""
    shown = text if width is None or len(text) <= width else text[: width - 1] + "…"
    return harmless(shown).replace("\n", "\u240a").replace("\t", "\u2409")


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def print_error(message: str, hint: str) -> None:
    click.echo(f"error: {harmless(message)}", err=True)
    if hint:
        click.echo(f"hint: {harmless(hint)}", err=True)


def console() -> Console:
    """Rich without markup or emoji codes in what it is given: `[red]` in a prompt stays `[red]`. Wide where nobody looks."""
    from rich.console import Console  # noqa: PLC0415 -- rich costs 35 ms, which --help need not pay

    return Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else 240)


@contextmanager
def stepping() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr for long work, where somebody looks: step(what, done, of how many); nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console  # noqa: PLC0415 -- as below
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True, markup=False), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, whole: bar.update(task, description=what, completed=done, total=whole or None)


def print_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table whose cells are harmless, or a line that says there is nothing."""
    from rich.table import Table  # noqa: PLC0415 -- as above

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(one_line("" if cell is None else str(cell)) for cell in row))
    if table.row_count:
        console().print(table)
    else:
        click.echo("none")


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"<U+{code:04X}>" if unicodedata.category(match.group()) != "Cs" else "\ufffd"
