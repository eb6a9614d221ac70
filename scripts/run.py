"""`affidavit run`: one command through the gateway. The command sees a gateway token where provider keys were."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from addons.console import reach, readings
from addons.console.state import Ports, StateFolder
from addons.evidence.store import Store
from scripts import saved_login, seen
from scripts.client_settings import (
    JAVA,
    OTHER_TRUST,
    Door,
    Gateway,
    base_url_door,
    filled,
    proxy_door,
    replaced_keys,
)
from scripts.gateway import connections, running_gateway, with_java_store
from scripts.options import state_option
from scripts.terminal import one_line
from scripts.tokens import Lifetime

SETTLE_SECONDS = 5.0  # for the end of calls that the command left open
EXAMPLES = """\b
Examples:
  affidavit run -- python agent.py
  affidavit run --purpose "release notes" --require-calls -- npm run summarise
  affidavit run --base-url -- node agent.mjs       (Node 20 and aiohttp ignore proxy variables)
"""


@click.command(epilog=EXAMPLES, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--purpose", default="", help="What for; goes into each exchange's record.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    help="A group of yours; may be given again.  [default: those that the connections name]",
)
@click.option("--base-url", is_flag=True, help="Set the SDKs' base URLs too, for clients that ignore proxy variables.")
@click.option("--require-calls", is_flag=True, help="Exit 1 if the command succeeded and no call was seen.")
@click.option(
    "--lifetime",
    type=Lifetime(),
    default="12h",
    show_default=True,
    help="How long the command's token is valid at most; it ends with the command.",
)
@click.option(
    "--token",
    metavar="afd_…",
    help="Your own gateway token, instead of one that is made for this command.  [default: that of affidavit login, if any]",
)
@state_option()
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    *,
    folder: StateFolder,
    command: tuple[str, ...],
    purpose: str,
    groups: tuple[str, ...],
    token: str | None,
    base_url: bool,
    require_calls: bool,
    lifetime: timedelta,
) -> int:
    """Run CMD through the gateway that owns the state, else through one of its own; exit with CMD's status."""
    kept = None if token else saved_login.saved(saved_login.of_state(folder.path), Path.home())
    token = token or (str(kept["token"]) if kept else None)
    with running_gateway(folder) as ports:
        _look(with_java_store(folder))
        known = connections(folder)
        first = _log_size(folder)
        with _token(folder, token, known, purpose=purpose, groups=groups, lifetime=lifetime) as (secret, token_id):
            environment = _environment(os.environ, folder, ports, known, secret, base_url=base_url)
            status = _status_of(command, environment)
        totals = _settled(folder, token_id, first)
        refusals = _refusals(folder, first)
    _summary(totals, refusals, base_url=base_url)
    return 1 if require_calls and not totals["calls"] and status == 0 else status


def _look(folder: StateFolder) -> None:
    if said := seen.look_at(folder):
        click.echo(f"note: {said}", err=True)


@contextlib.contextmanager
def _token(
    folder: StateFolder,
    given: str | None,
    known: list[Any],
    *,
    purpose: str,
    groups: tuple[str, ...],
    lifetime: timedelta,
) -> Iterator[tuple[str, str]]:
    """The person's own; or a local one in the name of the operating system's user, that ends with the command. Secret and id."""
    if given:
        yield given, reach.ask(folder, "GET", "/whoami", token=given)["token_id"]
        return
    named = groups or tuple(sorted({group for row in known for group in row["groups"]} - {"*"}))
    name = pwd.getpwuid(os.geteuid()).pw_name
    body = {"name": name, "groups": list(named), "purpose": purpose, "lifetime_seconds": int(lifetime.total_seconds())}
    minted = reach.ask(folder, "POST", "/tokens", body=body)
    try:
        yield minted["token"], minted["id"]
    finally:
        reach.ask(folder, "POST", f"/tokens/{minted['id']}/revoke")


def _environment(
    inherited: Mapping[str, str], folder: StateFolder, ports: Ports, known: list[Any], token: str, *, base_url: bool
) -> dict[str, str]:
    """The command's: through the gateway, and without any of the keys that the gateway puts on."""
    gateway = Gateway(ports.host, ports.proxy, ports.base_url, str(folder.bundle))
    doors = tuple(Door(row["id"], row["provider"], row["own_key"]) for row in known)
    held = {name for row in known for name in row["variables"]} | {
        "ALL_PROXY",
        "all_proxy",
    }  # the last two lead past us
    environment = {name: value for name, value in inherited.items() if name not in held}
    environment |= filled((*proxy_door(gateway), *replaced_keys(doors, inherited)), token)
    if before := inherited.get(JAVA):
        environment[JAVA] = f"{before} {environment[JAVA]}"  # of two that say the same, Java takes the last
    environment |= dict.fromkeys(OTHER_TRUST & environment.keys(), gateway.bundle)
    if base_url:
        environment |= filled(base_url_door(gateway, doors), token)
    return environment | {"AFFIDAVIT_TOKEN": token}


def _status_of(command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """As a shell would say it: 127 not found, 126 not to be run, 128 and the signal's number."""
    try:
        with _signals_passed_on() as pass_to, subprocess.Popen(command, env=environment) as process:
            pass_to(process)
            status = process.wait()
    except FileNotFoundError:
        click.echo(
            f"error: {one_line(command[0])}: command not found\nhint: affidavit run -- CMD …, as you would type it without",
            err=True,
        )
        return 127
    except OSError as error:
        click.echo(
            f"error: {one_line(command[0])}: {error.strerror}\nhint: is it a program, and may you run it?", err=True
        )
        return 126
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def _signals_passed_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Ctrl-C reaches the command from the terminal itself, and we stay to tell the end; other ends are handed on, also those that came first."""
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []  # while the command was being started

    def hand_on(number: int, _frame: object) -> None:
        if not children:
            early.append(number)
        for child in children:
            child.send_signal(number)

    def pass_to(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for number in early:
            child.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield pass_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _settled(folder: StateFolder, token_id: str, first: int) -> readings.Row:
    """What the token was used for, once nothing of it is open."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        with Store.reader(folder.database) as database:
            totals = readings.totals_of_token(database, token_id, first)
        if not totals["open"] or time.monotonic() >= deadline:
            return totals
        time.sleep(0.05)


def _log_size(folder: StateFolder) -> int:
    with Store.reader(folder.database) as database:
        return int(readings.log(database)["size"])


def _refusals(folder: StateFolder, first: int) -> list[readings.Row]:
    with Store.reader(folder.database) as database:
        return readings.turned_away(database, first)


def _summary(totals: readings.Row, refusals: list[readings.Row], *, base_url: bool) -> None:
    """On stderr: stdout is the command's."""
    if totals["calls"]:
        ends = ", ".join(
            f"{totals[name]} {name}" for name in ("completed", "refused", "failed", "open") if totals[name]
        )
        sessions = f"{totals['sessions']} session{'s' if totals['sessions'] != 1 else ''}"
        click.echo(
            f"affidavit: {totals['calls']} calls seen in {sessions}: {ends}; {totals['masked']} values masked", err=True
        )
        for session_id in totals["session_ids"][:5]:
            click.echo(f"affidavit: affidavit show {session_id}", err=True)
    else:
        click.echo(
            click.style(
                "affidavit: 0 CALLS SEEN: what the command asked of a model, if anything, is not in the record",
                bold=True,
            ),
            err=True,
        )
        fix = (
            "affidavit doctor"
            if base_url
            else "affidavit run --base-url -- …   (Node 20 and aiohttp ignore proxy variables); or: affidavit doctor"
        )
        click.echo(f"hint: {fix}", err=True)
    tunnelled = {row["host"] for row in refusals if row["type"] == "tunnel.opened"}
    for row in refusals:
        if row["code"] == "token_missing" and row["host"] in tunnelled:
            continue  # git and curl ask without a credential first
        click.echo(
            one_line(f"affidavit: {row['count']} x {row['type']} {row['code'] or ''} {row['host'] or ''}"), err=True
        )
