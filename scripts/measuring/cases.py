"""The gateway and its rivals, ready to be measured one after another: each a way to the same upstream, all alive, one loaded at a time."""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import HTTPSHandler as Https
from urllib.request import ProxyHandler, build_opener

from scripts.local_gateway import Gateway, State, clean_environment, launch
from scripts.measuring import processes
from scripts.measuring.load import Way
from scripts.measuring.processes import PROXY_CORE, Process

HOST = "api.openai.com"
PROVIDER_KEY = "sk-proj-measured0only0abcdefghijklmnopqrstuvwxyz0123456789ABCD"
CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - id: openai
    provider: openai
    hosts: [{host}]
    upstream: https://127.0.0.1:{port}
    allow_private: true
    credential: {{header: Authorization, value: "Bearer ${{env:MEASURED_KEY}}"}}
    groups: [engineering]
  - id: anthropic
    provider: anthropic
    hosts: [api.anthropic.com]
    upstream: https://127.0.0.1:{port}
    allow_private: true
    credential: none
    groups: [engineering]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that stands, or does not stand, between the client and the upstream."""

    name: str
    way: Way
    host: str  # what the client puts into its Host header
    pid: int  # 0: nothing stands between


@dataclass(slots=True)
class Bench:
    folder: Path
    pem: Path
    upstream: Process
    cases: dict[str, Case]
    gateway: Gateway
    token: str

    @property
    def state(self) -> State:
        return self.gateway.state

    @property
    def pids(self) -> tuple[int, ...]:
        return (self.upstream.pid, *(case.pid for case in self.cases.values() if case.pid))

    def upstream_requests(self) -> int:
        """Those of the gateway, by upstream's own count: the gateway names another host than the other cases."""
        opener = build_opener(ProxyHandler({}), Https(context=trusting(self.pem)))
        with opener.open(f"https://localhost:{self.upstream.port}/_count", timeout=10) as reply:
            return int(json.loads(reply.read())["requests"].get(f"127.0.0.1:{self.upstream.port}", 0))

    def start_gateway(self) -> None:
        self.gateway = started_gateway(self.state, self.folder, self.pem)
        self.cases["stack"] = stack_case(self.gateway, self.token)


def trusting(path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(path))


def started_gateway(state: State, folder: Path, pem: Path) -> Gateway:
    pin = f"import os, sys; os.sched_setaffinity(0, {{{PROXY_CORE}}}); os.execv(sys.argv[1], sys.argv[1:])"
    launcher = (sys.executable, "-c", pin, str(Path(sys.executable).parent / "affidavit"), "proxy")
    return launch(state, folder / "gateway.log", ("--set", f"ssl_verify_upstream_trusted_ca={pem}"), launcher=launcher)


def stack_case(gateway: Gateway, token: str) -> Case:
    return Case(
        "stack", Way("stack", (HOST, 443), trusting(gateway.bundle), gateway.proxy_port, token=token), HOST, gateway.pid
    )


def made_state(folder: Path, port: int) -> tuple[State, str]:
    """The shipped policies, but for where the provider is."""
    state = State(folder / "state", clean_environment(folder, MEASURED_KEY=PROVIDER_KEY))
    state.init()
    state.write_policies({"connections.yaml": CONNECTIONS.format(host=HOST, port=port)})
    return state, state.mint("measurer", "engineering")


@contextlib.contextmanager
def bench(folder: Path, pem: Path) -> Iterator[Bench]:
    """direct, mitmdump, mitmdump with streaming, and the full stack, all in front of one upstream."""
    with (
        processes.upstream(folder, pem) as upstream,
        processes.bare(folder, pem, streaming=False) as bare,
        processes.bare(folder, pem, streaming=True) as streaming,
    ):
        target = ("localhost", upstream.port)
        host = f"localhost:{upstream.port}"
        cases = {"direct": Case("direct", Way("direct", target, trusting(pem)), host, 0)}
        for name, process in (("bare", bare), ("bare+stream", streaming)):
            trust = trusting(folder / "mitmdump" / "mitmproxy-ca-cert.pem")
            cases[name] = Case(name, Way(name, target, trust, process.port), host, process.pid)
        state, token = made_state(folder, upstream.port)
        made = Bench(folder, pem, upstream, cases, started_gateway(state, folder, pem), token)
        made.cases["stack"] = stack_case(made.gateway, token)
        try:
            yield made
        finally:
            made.gateway.stop()
