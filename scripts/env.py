"""`affidavit env`: what to set on a client so that it comes through the gateway."""

from __future__ import annotations

import os

import click

from addons.console.state import StateFolder
from scripts.client_settings import Gateway, base_url_door, proxy_door
from scripts.gateway import doors, with_java_store
from scripts.options import state_option
from scripts.shells import LOOPBACK, SHELLS, NotSpellable, Shell, filled_in
from scripts.terminal import Failed

NEAR = frozenset(
    {"127.0.0.1", "localhost", "[::1]"}
)  # reached without leaving the machine; TLS to others, as the gateway asks for
EXAMPLES = """\b
Examples:
  export AFFIDAVIT_TOKEN=afd_…; eval "$(affidavit env)"
  affidavit env --shell fish | source
  affidavit env --base-url --shell dotenv --token afd_… >.env
  affidavit env --shell github --host gateway.example.com --port 8080
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--shell", "shell_name", type=click.Choice([shell.name for shell in SHELLS]), default="bash", show_default=True
)
@click.option(
    "--base-url",
    is_flag=True,
    help="The other door: base URLs for SDKs; for clients that ignore proxy variables (aiohttp, Node 20).",
)
@click.option(
    "--token",
    metavar="afd_…",
    help="Write this token into the output, which otherwise refers to $AFFIDAVIT_TOKEN. Files that are kept always do.",
)
@click.option(
    "--host",
    help="Where the client finds the gateway.  [default: where it listens; host.docker.internal for containers]",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the door.  [default: that of the running gateway]")
@click.option("--bundle", help="Where the client finds bundle.pem.  [default: in the state]")
@click.option(
    "--tls/--plain",
    "tls",
    default=None,
    help="https:// or http:// to the gateway itself.  [default: TLS, unless it is on this machine]",
)
@click.option(
    "--refresh-bundle", is_flag=True, help="First make bundle.pem anew from the roots that this shell trusts."
)
@state_option()
def env(
    *,
    folder: StateFolder,
    shell_name: str,
    base_url: bool,
    token: str | None,
    host: str | None,
    port: int | None,
    bundle: str | None,
    tls: bool | None,
    refresh_bundle: bool,
) -> None:
    """What to set on a client: the proxy, and a bundle of this machine's roots plus the gateway's."""
    folder.check()
    with_java_store(folder)
    if refresh_bundle:
        from scripts import ca  # noqa: PLC0415 -- cryptography, which nothing else here needs

        ca.write_bundle(folder.bundle, folder.ca_certificate, os.environ)
    shell = next(shell for shell in SHELLS if shell.name == shell_name)
    gateway = _gateway(folder, shell, host=host, port=port, bundle=bundle, tls=tls)
    if not (gateway.base_url_port if base_url else gateway.proxy_port):
        raise Failed(
            f"no gateway runs on {folder.path}, so its port is not known",
            "start one: affidavit proxy; or say it: --port N",
        )
    settings = base_url_door(gateway, doors(folder)) if base_url else proxy_door(gateway)
    if token and not shell.kept:
        settings = filled_in(settings, token)
    try:
        click.echo(shell.render(settings, str(folder.bundle)), nl=False)
    except NotSpellable as error:
        raise Failed(str(error)) from error


def _gateway(
    folder: StateFolder, shell: Shell, *, host: str | None, port: int | None, bundle: str | None, tls: bool | None
) -> Gateway:
    running = folder.ports()
    host = host or (running.host if running and shell.host == LOOPBACK else shell.host)
    if not host:
        raise click.UsageError(
            f"--shell {shell.name} runs on another machine: say where it finds the gateway: --host NAME"
        )
    try:
        return Gateway(
            host=host,
            proxy_port=port or (running.proxy if running else 0),
            base_url_port=port or (running.base_url if running else 0),
            bundle=bundle or shell.bundle or str(folder.bundle),
            scheme="https" if (tls if tls is not None else host not in NEAR) else "http",
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
