"""`affidavit console`: where the web console of the running gateway is."""

from __future__ import annotations

import webbrowser

import click

from addons.console.reach import NobodyListens
from addons.console.state import StateFolder
from scripts.options import state_option
from scripts.terminal import Failed, one_line


@click.command(epilog="\b\nExample:\n  affidavit console --open")
@click.option("--open", "opens", is_flag=True, help="Also open it in a browser.")
@state_option()
def console(*, folder: StateFolder, opens: bool) -> None:
    """The address where people approve, and auditors read. Options affidavit_console_* in mitm.conf."""
    folder.check()
    ports = folder.ports()
    if ports is None:
        raise NobodyListens(folder)
    if not ports.console:
        raise Failed("this gateway has no console", "start it without affidavit_console_port=-1")
    click.echo(one_line(ports.console))
    if opens:
        webbrowser.open(ports.console)
