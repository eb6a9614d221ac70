"""`affidavit doctor`: does each client found here come through the gateway? Judged by the gateway's own record, not by what a client says."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from addons.console import reach, readings
from addons.console.state import Ports, StateFolder
from addons.evidence.store import Store
from scripts import probes
from scripts.ca import PRIVATE_SUFFIX
from scripts.client_settings import SPEAKS, Door, Gateway, base_url_door, filled, proxy_door, replaced_keys
from scripts.gateway import connections, running_gateway
from scripts.options import json_option, state_option
from scripts.terminal import Failed, one_line, print_json, print_table

SEEN, DIRECT, REFUSED, NOT_TRIED = "seen", "went direct", "refused", "-"
# How clients say that they do not trust the certificate they were shown. (aiohttp names its setting, "ssl:default", whatever went wrong.)
_DISTRUST = re.compile(r"certificate|CERT_|SSL(?!:\S)|TLS|self.signed|issuer|subtree", re.IGNORECASE)
EXAMPLES = """\b
Examples:
  affidavit doctor
  affidavit doctor --python .venv/bin/python --json
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    client: str
    proxy: str  # seen | went direct | refused
    base_url: str  # the same, or "-" where the door is not for this client
    what_to_do: str
    said: str  # the client's last word where it was not seen


@dataclass(frozen=True, slots=True)
class Bench:
    """What every trial needs."""

    folder: StateFolder
    gateway: Gateway
    connections: list[Any]
    token: str
    token_id: str

    @property
    def doors(self) -> tuple[Door, ...]:
        return tuple(Door(row["id"], row["provider"], row["own_key"]) for row in self.connections)


@click.command(epilog=EXAMPLES)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    help="A Python whose clients to try; may be given again.  [default: python3 on the PATH]",
)
@json_option()
@state_option()
def doctor(*, folder: StateFolder, pythons: tuple[str, ...], as_json: bool) -> int:
    """Try each client found here through both doors: seen, went direct, or refused, and what to do. Exit 1 if one is seen by neither.

    Nothing is asked of a model: the token may use no connection, and the gateway refuses the call. A client that goes direct asks the
    provider, without a key, for a model that does not exist.
    """
    chosen = pythons or tuple(name for name in ("python3",) if shutil.which(name))
    with running_gateway(folder) as ports:
        body = {"name": "affidavit-doctor", "purpose": "affidavit doctor", "lifetime_seconds": 3600}
        token = reach.ask(folder, "POST", "/tokens", body=body)
        try:
            bench = _bench(folder, ports, token)
            verdicts = [_tried(bench, probe, f"d{number}") for number, probe in enumerate(probes.found(chosen))]
        finally:
            reach.ask(folder, "POST", f"/tokens/{token['id']}/revoke")
    if as_json:
        print_json([asdict(verdict) for verdict in verdicts])
    else:
        print_table(
            ("client", "proxy", "base_url", "what to do", "it said"),
            ((row.client, row.proxy, row.base_url, row.what_to_do, one_line(row.said, 80)) for row in verdicts),
        )
    return 0 if all(SEEN in {row.proxy, row.base_url} for row in verdicts) else 1


def _bench(folder: StateFolder, ports: Ports, token: Mapping[str, Any]) -> Bench:
    gateway = Gateway(ports.host, ports.proxy, ports.base_url, str(folder.bundle))
    found = [row for row in connections(folder) if any("*" not in host for host in row["hosts"])]
    if not found:
        raise Failed("no connection names a host to try", "name one in connections.yaml, then: affidavit policy check")
    return Bench(folder, gateway, found, token["token"], token["id"])


def _tried(bench: Bench, probe: probes.Probe, mark: str) -> Verdict:
    row = next((row for row in bench.connections if row["provider"] == probe.provider), bench.connections[0])
    host = next(host for host in row["hosts"] if "*" not in host)
    base = {
        name: value
        for name, value in os.environ.items()
        if name.upper() != "ALL_PROXY" and name not in _base_url_names()
    }
    base |= filled(replaced_keys(bench.doors, base), bench.token) | {
        probes.TOKEN: bench.token,
        "GIT_TERMINAL_PROMPT": "0",
    }
    model = f"affidavit-doctor-{mark}"
    url = f"https://{model}-p.{PRIVATE_SUFFIX}/" if probe.tunnelled else f"https://{host}/v1/models/{model}-p"
    by_proxy = filled(proxy_door(bench.gateway), bench.token) | {probes.MODEL: f"{model}-p", probes.URL: url}
    proxy, said = _judged(bench, probe, base | by_proxy)
    base_url = NOT_TRIED
    if not probe.tunnelled:
        url = f"http://{bench.gateway.host}:{bench.gateway.base_url_port}/{row['id']}/v1/models/{model}-b"
        by_base_url = filled(base_url_door(bench.gateway, bench.doors), bench.token) | {
            probes.MODEL: f"{model}-b",
            probes.URL: url,
        }
        base_url, said_there = _judged(bench, probe, base | by_base_url)
        said = said or said_there
    return Verdict(probe.name, proxy, base_url, _what_to_do(probe, proxy, base_url), said)


def _judged(bench: Bench, probe: probes.Probe, environment: Mapping[str, str]) -> tuple[str, str]:
    """The verdict, and the client's last word unless it was seen."""
    with Store.reader(bench.folder.database) as database:
        first = readings.log(database)["size"]
    answered, said = probes.run(probe, environment)
    with Store.reader(bench.folder.database) as database:
        asked = readings.asked_for(database, bench.token_id, environment[probes.MODEL])
        turned_away = readings.turned_away(database, first)
    if asked or any(_is_the_tunnel(row, environment[probes.MODEL]) for row in turned_away):
        return SEEN, ""
    if turned_away:
        return REFUSED, f"by the gateway: {turned_away[0]['code']}; the client said: {said}"
    return (REFUSED if not answered and _DISTRUST.search(said) else DIRECT), said


def _is_the_tunnel(row: readings.Row, mark: str) -> bool:
    """Opened, or denied by policy: either way the client came with its token. Some ask without one first."""
    return str(row["host"]).startswith(mark) and row["code"] != "token_missing"


def _what_to_do(probe: probes.Probe, proxy: str, base_url: str) -> str:
    if proxy == SEEN:
        return ""
    cures = [probe.cure] if probe.cure and proxy == DIRECT else []
    if base_url == SEEN:
        cures.append("use its base URL: affidavit env --base-url")
    if proxy == REFUSED and not cures:
        cures.append("point its trust at bundle.pem: affidavit env")
    return "; or ".join(cures) or "it ignores the proxy variables: set the proxy in its own configuration"


def _base_url_names() -> set[str]:
    return {speaks.base_url for speaks in SPEAKS}
