"""What knowing the caller costs on a warm connection: the identity addon's own hook, on the measured gateway's state, in this process.

The dearer of the two doors: the proxy's, whose credential CONNECT has brought, and base_url's, where a token fills the API key's place.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import UTC, datetime

from mitmproxy import connection, http
from mitmproxy.proxy.mode_specs import ProxyMode

from addons import hooks
from addons.console.desk import Desk
from addons.console.state import StateFolder
from addons.identity import Identity
from scripts.measuring.cases import HOST, Bench
from scripts.measuring.rows import Goal, Row, row

REQUESTS = 4000
LINES = f"""host: {HOST}
accept-encoding: gzip, deflate
connection: keep-alive
accept: application/json
content-type: application/json
user-agent: OpenAI/Python 2.0
x-stainless-lang: python
x-stainless-os: Linux
x-stainless-arch: x64
x-stainless-runtime: CPython
x-stainless-retry-count: 0
content-length: 2048"""
HEADERS = tuple((name, value) for name, _, value in (line.partition(b": ") for line in LINES.encode().splitlines()))


def identity_cost(made: Bench) -> Row:
    """Stops the gateway: one process at a time owns a state."""
    made.gateway.stop()
    folder = StateFolder(made.state.path)
    with folder.own():
        spent = asyncio.run(_spent_ms(folder, made.token))
    worst = max(spent, key=lambda door: spent[door])
    told = ", ".join(f"{door} {ms:.4f}" for door, ms in spent.items())
    return row("identity_cpu_ms", spent[worst], Goal("CPU-ms", 0.05, more_is_better=False), spread=told)


async def _spent_ms(folder: StateFolder, token: str) -> dict[str, float]:
    desk = await Desk.open(folder, clock=lambda: datetime.now(UTC), random=secrets.token_bytes)
    try:
        identity = Identity(desk)
        return {door: await _of_a_request(identity, door, token) for door in ("proxy", "base_url")}
    finally:
        await desk.close()


async def _of_a_request(identity: Identity, door: str, token: str) -> float:
    """Median of ten runs, by this process's CPU clock; every flow is one of the same client connection."""
    client = connection.Client(peername=("127.0.0.1", 50_000), sockname=("127.0.0.1", 8080), timestamp_start=0.0)
    client.proxy_mode = ProxyMode.parse("regular" if door == "proxy" else "reverse:http://affidavit.invalid@8081")
    if door == "proxy":
        client.sni = HOST
        hooks.client_state(client).update(connect=(HOST, 443), proxy_credential=f"Bearer {token}")
    runs = []
    for _ in range(10):
        flows = [_flow(client, door, token) for _ in range(REQUESTS // 10)]
        began = time.process_time()
        for flow in flows:
            await identity.requestheaders(flow)
        runs.append((time.process_time() - began) * 1000 / len(flows))
        assert all(flow.response is None for flow in flows), "identity refused a request that it should know"
    return sorted(runs)[len(runs) // 2]


def _flow(client: connection.Client, door: str, token: str) -> http.HTTPFlow:
    """With the headers that the openai SDK sends."""
    prefix = "" if door == "proxy" else "/openai"
    key = token if door == "base_url" else "placeholder-key"
    flow = http.HTTPFlow(client, connection.Server(address=(HOST, 443)))
    flow.request = http.Request.make(
        "POST",
        f"https://{HOST}{prefix}/v1/chat/completions",
        b"",
        (*HEADERS, (b"authorization", f"Bearer {key}".encode())),
    )
    return flow
