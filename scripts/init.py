"""`affidavit init`: the state folder with everything in it that a gateway needs. Creates all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from addons.console.desk import policies_in
from addons.console.state import StateFolder
from addons.evidence.keys import Keys
from addons.evidence.store import Store
from addons.policy.load import FILES
from addons.providers.registry import DNS_SUFFIXES
from scripts import ca
from scripts.options import state_option
from scripts.terminal import Failed

POLICIES = Path(__file__).resolve().parent.parent / "policies"
EXAMPLES = """\b
Examples:
  affidavit init
  affidavit init --state /var/lib/affidavit --policies policies/strict --origin log.example.com/gateway-1
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--policies",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=POLICIES,
    show_default="the ones that come with Affidavit",
    help="Policies to copy into the state.",
)
@click.option(
    "--origin",
    help="The log's own name, as an auditor will read it; chosen once.  [default: affidavit.invalid/<key id>]",
)
@click.option(
    "--csr",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a request for your own PKI: signed as an intermediate, affidavit ca install puts it in place.",
)
@state_option()
def init(*, folder: StateFolder, source: Path, origin: str | None, csr: Path | None) -> None:
    """Make the state: CA, keys, empty store, policies. Refuses to overwrite."""
    if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
        raise Failed(
            f"{folder.path} exists already and is not empty", "keep it; or name another: affidavit init --state DIR"
        )
    policies = policies_in(source)  # before anything is created
    with _unfinished(folder) as making:
        _fill(making, source, origin)
        vkey = Keys.load(making.keys).vkey
    click.echo(
        f"state     {folder.path}\nlog       {vkey}\nbundle    {folder.bundle}\npolicies  {folder.policies} ({policies.digest})"
    )
    hosts = [host for connection in policies.connections for host in connection.hosts]
    for finding in ca.findings(folder.ca_certificate, folder.ca_file, hosts, datetime.now(UTC)):
        click.echo(f"finding   {finding}")
    if csr is not None:
        key_pem = ca.key_of(folder.ca_file.read_bytes())
        csr.write_bytes(ca.request(key_pem, ca.permitted_names(DNS_SUFFIXES)))
        click.echo(f"csr       {csr}: have it signed as a CA with path length 0, then: affidavit ca install FILE")
    click.echo("next      affidavit run -- python your_agent.py")


@contextlib.contextmanager
def _unfinished(folder: StateFolder) -> Iterator[StateFolder]:
    """A folder beside the one asked for, which takes its name only when everything is in it."""
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    beside = StateFolder(
        Path(tempfile.mkdtemp(prefix=f".{folder.path.name}-", dir=folder.path.parent))
    )  # mkdtemp makes it 0700
    try:
        yield beside
        beside.path.rename(folder.path)  # replaces an empty folder, and no other: rename(2)
    except BaseException:
        shutil.rmtree(beside.path, ignore_errors=True)
        raise


def _fill(making: StateFolder, source: Path, origin: str | None) -> None:
    def clock() -> datetime:
        return datetime.now(UTC)

    keys = Keys.create(making.keys, secrets.token_bytes, origin)
    Store.create(making.database, keys, clock=clock, random=secrets.token_bytes)
    ca.write(making.ca, *ca.create(ca.permitted_names(DNS_SUFFIXES), clock()))
    ca.write_bundle(making.bundle, making.ca_certificate, os.environ)
    making.policies.mkdir(mode=0o700)
    for name in FILES:
        shutil.copyfile(source / name, making.policies / name)
