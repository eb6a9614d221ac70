"""`affidavit ca`: the certificate authority's certificate shown, renewed under the same key, replaced by a new key with an overlap, or signed
by the company's own PKI.

A gateway that runs reads its certificate at start: each change says so. The bundle always holds every certificate that may be met.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from addons.console import reach
from addons.console.state import StateFolder
from addons.providers.registry import DNS_SUFFIXES
from scripts import ca as authority
from scripts.options import json_option, state_option
from scripts.terminal import Failed, one_line, print_json

RESTART = "restart the gateway to use it; give clients the new bundle.pem first (affidavit env --refresh-bundle)"


@click.group()
def ca() -> None:
    """The gateway's certificate authority: show, renew, rotate, have it signed."""


@ca.command(epilog="\b\nExample:\n  affidavit ca show --json")
@json_option()
@state_option()
def show(*, folder: StateFolder, as_json: bool) -> None:
    """What stands in the certificate: until when, for which names, signed by whom."""
    folder.check()
    told = authority.told(folder.ca_certificate.read_bytes())
    waiting = _next(folder)
    if waiting.exists():
        told["next"] = authority.told(authority.certificate_of(waiting.read_bytes()))
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        click.echo(f"{name:12} {one_line(', '.join(value) if isinstance(value, list) else str(value))}")


@ca.command(epilog="\b\nExample:\n  affidavit ca renew")
@state_option()
def renew(*, folder: StateFolder) -> None:
    """A new certificate for the same key, with today's providers in its name constraints. Clients that hold the old one go on trusting until it ends."""
    folder.check()
    if not authority.told(folder.ca_certificate.read_bytes())["self_signed"]:
        raise Failed(
            "your own PKI signed this certificate", "affidavit ca csr; have it signed again; affidavit ca install FILE"
        )
    key_pem = authority.key_of(folder.ca_file.read_bytes())
    made = authority.renewed(key_pem, authority.permitted_names(DNS_SUFFIXES), datetime.now(UTC))
    _put(folder, key_pem, made, kept=folder.ca_certificate.read_bytes(), how="renewed")
    click.echo(f"renewed until {authority.told(made)['until']}; {RESTART}")


@ca.command(
    epilog="\b\nExamples:\n  affidavit ca rotate            now\n  affidavit ca rotate --finish   once every client has the new bundle"
)
@click.option("--finish", is_flag=True, help="Sign with the new key from the next start on.")
@state_option()
def rotate(*, folder: StateFolder, finish: bool) -> None:
    """A new key, in two steps: first its certificate goes into the bundle, beside the old one; then it signs."""
    folder.check()
    waiting = _next(folder)
    if not finish:
        if waiting.exists():
            raise Failed("a new key waits already", "affidavit ca rotate --finish; or take it back: rm " + str(waiting))
        key_pem, made = authority.create(authority.permitted_names(DNS_SUFFIXES), datetime.now(UTC))
        authority.write_private(waiting, key_pem + made)
        _bundle(folder, authority.certificate_of(waiting.read_bytes()))
        _record(folder, "rotation_begun", made)
        click.echo(
            "bundle.pem holds both certificates now; give it to every client, then: affidavit ca rotate --finish"
        )
        return
    if not waiting.exists():
        raise Failed("no new key waits", "affidavit ca rotate makes one")
    old, new = folder.ca_certificate.read_bytes(), waiting.read_bytes()
    _put(folder, authority.key_of(new), authority.certificate_of(new), kept=old, how="rotated")
    waiting.unlink()
    click.echo(f"the new key signs from the next start on; {RESTART}")


@ca.command(epilog="\b\nExample:\n  affidavit ca csr >affidavit.csr")
@state_option()
def csr(*, folder: StateFolder) -> None:
    """A request for your own PKI: sign it as an intermediate, with these name constraints and path length 0. On stdout."""
    folder.check()
    key_pem = authority.key_of(folder.ca_file.read_bytes())
    click.echo(authority.request(key_pem, authority.permitted_names(DNS_SUFFIXES)).decode(), nl=False)


@ca.command(epilog="\b\nExample:\n  affidavit ca install signed-chain.pem")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@state_option()
def install(*, folder: StateFolder, file: Path) -> None:
    """The certificate that your PKI made of the request, first in FILE; what follows is its chain."""
    folder.check()
    key_pem, text = authority.key_of(folder.ca_file.read_bytes()), file.read_bytes()
    if faults := authority.faults_of_intermediate(key_pem, text, datetime.now(UTC)):
        raise Failed("; ".join(faults), "affidavit ca csr; sign that, as a CA with path length 0")
    _put(folder, key_pem, text, kept=folder.ca_certificate.read_bytes(), how="installed")
    click.echo(f"installed; clients that trust your own root need nothing more; {RESTART}")


def _next(folder: StateFolder) -> Path:
    return folder.ca / "next.pem"


def _put(folder: StateFolder, key_pem: bytes, certificates: bytes, *, kept: bytes, how: str) -> None:
    """Into place, whole or not at all; the certificate before stays in the bundle until it ends."""
    _bundle(folder, certificates + kept)
    authority.write_private(folder.ca_file, key_pem + certificates)
    folder.ca_certificate.write_bytes(authority.certificate_of(certificates))
    _record(folder, how, certificates)


def _bundle(folder: StateFolder, more: bytes) -> None:
    earlier = folder.ca / "earlier.pem"
    held = earlier.read_bytes() if earlier.exists() else b""
    earlier.write_bytes(authority.in_force(held + more, datetime.now(UTC)))
    authority.write_bundle(folder.bundle, folder.ca_certificate, os.environ)


def _record(folder: StateFolder, how: str, certificates: bytes) -> None:
    told: dict[str, Any] = authority.told(certificates)
    reach.ask(folder, "POST", "/ca", body={"how": how, "fingerprint": told["sha256"], "until": told["until"]})
