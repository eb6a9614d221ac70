"""`affidavit replay`: recorded exchanges as flows, in a file or in mitmweb. That they were read is recorded before anything is shown."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import click
from mitmproxy import http, io

from addons.console import reach
from addons.console.rebuilt import recorded
from addons.console.state import StateFolder
from addons.evidence.store import Store
from addons.replay import Replay, flow_of
from scripts.options import state_option, token_option
from scripts.ports import free_ports
from scripts.terminal import Failed

EXAMPLES = """\b
Examples:
  affidavit replay se_018f2a6c-… --web
  affidavit replay ex_018f2a6c-… --flows incident-12.mitm --purpose "incident 12"
"""
HOST = "127.0.0.1"


@click.command(epilog=EXAMPLES)
@click.argument("record_id")
@click.option("--web", is_flag=True, help="Show them in mitmweb, on loopback, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of mitmweb; 0: one that is free.")
@click.option(
    "--flows", type=click.Path(path_type=Path), help="Write them to a file that does not exist yet, for mitmweb -r."
)
@click.option("--purpose", default="", help="Why you read it; goes into the record of the reading.")
@token_option("Your own token: the record then names you, not only the operating system's user.")
@state_option()
def replay(
    *, folder: StateFolder, record_id: str, web: bool, port: int, flows: Path | None, purpose: str, token: str | None
) -> None:
    """An exchange (ex_…) or a session (se_…), rebuilt from the record: masked, and marked as rebuilt."""
    kind = {"ex": "exchange", "se": "session"}.get(record_id.partition("_")[0])
    if kind is None:
        raise click.UsageError(f"{record_id!r}: expected the id of an exchange (ex_…) or of a session (se_…)")
    if web == (flows is not None):
        raise click.UsageError("say where to: either --web, or --flows FILE")
    with Store.reader(folder.database) as database:
        if not recorded(database, record_id):
            raise Failed(f"no {kind} {record_id} is in the store", "affidavit sessions")
    reach.ask(folder, "POST", "/reads", body={"what": kind, "id": record_id, "purpose": purpose}, token=token or "")
    with Store.reader(folder.database) as database:
        rebuilt = [flow_of(found) for found in recorded(database, record_id)]
    if flows is not None:
        _write(flows, rebuilt)
        click.echo(
            f"{flows}: {len(rebuilt)} flows; open them with: affidavit replay {record_id} --web, or mitmweb -n -r {flows}"
        )
    else:
        asyncio.run(_show(rebuilt, folder, port))


def _write(path: Path, flows: Sequence[http.HTTPFlow]) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failed(
            f"{path}: {error.strerror}", "name a file that does not exist yet, in a folder of yours"
        ) from error
    with os.fdopen(handle, "wb") as file:
        writer = io.FlowWriter(file)
        for flow in flows:
            writer.add(flow)


async def _show(flows: Sequence[http.HTTPFlow], folder: StateFolder, port: int) -> None:
    """mitmweb without its proxy and without a browser; its page asks for the token in the URL that is printed."""
    from mitmproxy import options  # noqa: PLC0415 -- a second that --flows need not pay
    from mitmproxy.tools.web.master import WebMaster  # noqa: PLC0415

    opts = options.Options(confdir=str(folder.ca))
    master = WebMaster(opts, with_termlog=False)

    def ready() -> None:
        click.echo(f"{master.web_url}\n{len(flows)} flows, rebuilt from the record; Ctrl-C ends")

    master.addons.add(Replay(flows, ready))
    opts.update(server=False, web_open_browser=False, web_host=HOST, web_port=port or free_ports(HOST, 1)[0])
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, master.shutdown)
    try:
        await master.run()
    except OSError as error:
        raise Failed(f"mitmweb: {error.strerror or error}", "another port: --port PORT") from error
