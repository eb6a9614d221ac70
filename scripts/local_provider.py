"""A stand-in for a provider, on loopback only, for the demo and the tests. It is a simulation and says so in every reply.

Speaks HTTP/1.1 over plain sockets, because half of its job is to break HTTP in chosen ways (local_faults.py). Not a model, not a server
for anything else, not fast. `GET /_count` and `GET /_log` tell what reached it, `GET /_go/NAME` opens a gate that a reply waits at, and
`GET /_waiting/NAME` answers once a reply has come to that gate.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import signal
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from scripts.local_certificate import tls_context
from scripts.local_faults import FAULTS, SSE, Asked, Knobs, Plan, knobs, with_fault
from scripts.local_replies import anthropic_events, anthropic_json, dumped, error_json, openai_events, openai_json, said

SERVER = "affidavit-local-provider (simulated)"
KEPT_REQUESTS = 100_000  # in the log; the count goes on


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it reached us."""

    number: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def logged(self) -> dict[str, Any]:
        row = {"number": self.number, "method": self.method, "target": self.target, "headers": self.headers}
        try:
            return {**row, "body": self.body.decode()}
        except UnicodeDecodeError:
            return {**row, "body_base64": base64.b64encode(self.body).decode()}


def planned(request: Received) -> Plan:
    """The reply a healthy provider would give, changed as was asked. 418: a fault or a knob that does not exist is no healthy reply."""
    body = request.json()
    try:
        wanted = knobs({k.lower(): v for k, v in request.headers}, body)
        return with_fault(healthy(request, body, wanted), Asked(wanted, credentials(request)))
    except (TypeError, KeyError, ValueError):
        message = (
            f"simulated provider: x-local-fault or x-local-script names what is not there; faults: {', '.join(FAULTS)}"
        )
        return whole(request.path, error_json(request.path, 418, message), status=418)


def healthy(request: Received, body: Any, wanted: Knobs) -> Plan:
    if wanted.body_base64:
        return Plan(200, wanted.content_type, (base64.b64decode(wanted.body_base64),), request.path, framing="chunked")
    path = "/v1/" + request.path.split("/v1/", 1)[-1]  # an upstream may have a path prefix
    if path in {"/v1/chat/completions", "/v1/messages"} and request.method == "POST":
        if not isinstance(body, dict):
            return whole(path, error_json(path, 400, "simulated provider: the body is not a JSON object"), status=400)
        reply = said(body, request.number, wanted.delta_chars)
        openai = path == "/v1/chat/completions"
        if not body.get("stream"):
            return whole(path, openai_json(reply) if openai else anthropic_json(reply))
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        events = openai_events(reply, usage=usage) if openai else anthropic_events(reply)
        return Plan(200, SSE, tuple(events), path, framing="chunked")
    if path == "/v1/models":
        return whole(
            path, {"object": "list", "data": [{"id": "local-model", "object": "model", "owned_by": "simulated"}]}
        )
    if path == "/v1/embeddings":
        row = {"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}
        return whole(
            path,
            {
                "object": "list",
                "model": "local-embedding",
                "data": [row],
                "usage": {"prompt_tokens": 1, "total_tokens": 1},
            },
        )
    if path == "/v1/text":
        return Plan(200, "text/plain; charset=utf-8", (b"simulated text\n",), path)
    return whole(
        path, {"simulated": True, "method": request.method, "target": request.target, "bytes": len(request.body)}
    )


def whole(path: str, value: Any, status: int = 200) -> Plan:
    return Plan(status, "application/json", (dumped(value).encode(),), path)


def credentials(request: Received) -> tuple[str, ...]:
    return tuple(v for v in map(request.header, ("authorization", "x-api-key", "x-goog-api-key", "api-key")) if v)


class LocalProvider:
    """The server and what it saw. One event loop owns it; counts may be read from any thread."""

    def __init__(self) -> None:
        self.count = 0
        self.log: deque[Received] = deque(maxlen=KEPT_REQUESTS)
        self.left: int = 0  # connections that the other side ended while we were still sending
        self.port = 0
        self.gates: dict[str, tuple[asyncio.Event, asyncio.Event]] = {}

    async def listen(self, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
        server = await asyncio.start_server(self.serve, "127.0.0.1", port, ssl=tls, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self.loop = asyncio.get_running_loop()
        return server

    def gate(self, name: str) -> tuple[asyncio.Event, asyncio.Event]:
        """(a reply has come to it, it is open)."""
        return self.gates.setdefault(name, (asyncio.Event(), asyncio.Event()))

    def open_gate(self, name: str) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self.gate(name)[1].set)

    def waits_at(self, name: str) -> bool:
        return self.gate(name)[0].is_set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
                while await self.exchange(reader, writer):
                    pass
        finally:
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; whether another may follow."""
        request = await self.received(reader, writer)
        if request.path.startswith("/_"):
            return await send(writer, await self.own(request), None)
        self.log.append(request)
        self.count += 1
        try:
            return await self.answer(reader, writer, request) and request.header("connection").lower() != "close"
        except ConnectionError:
            self.left += 1
            raise

    async def received(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Received:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = tuple((k, v.strip()) for k, _, v in (line.partition(":") for line in lines if line))
        lower = {k.lower(): v for k, v in headers}
        if lower.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if lower.get("transfer-encoding") == "chunked":
            body = b"".join([chunk async for chunk in chunks(reader)])
        else:
            body = await reader.readexactly(int(lower.get("content-length", 0)))
        return Received(self.count + 1, method, target, headers, body)

    async def own(self, request: Received) -> Plan:
        """The questions about ourselves: not counted, not logged."""
        _, what, *rest = request.path.split("/")
        if what == "_log":
            return whole("", [row.logged() for row in self.log])
        if what == "_go":
            self.gate(rest[0])[1].set()
        if what == "_waiting":
            await self.gate(rest[0])[0].wait()
        return whole("", {"simulated": True, "count": self.count, "left": self.left})

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Received) -> bool:
        """Sends the planned reply; whether the connection can serve another request."""
        plan = planned(request)
        if plan.status == 0:
            return False
        if plan.early_hints:
            writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </simulated>; rel=preload\r\n\r\n")
            await writer.drain()
        await asyncio.sleep(plan.head_ms / 1000)
        gate = Gate(reader, *self.gate(plan.gate)) if plan.gate else None
        return await send(writer, plan, gate)


async def chunks(reader: asyncio.StreamReader) -> Any:
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass


async def send(writer: asyncio.StreamWriter, plan: Plan, gate: Gate | None) -> bool:
    writer.write(head_of(plan))
    for number, piece in enumerate(rechunked(plan)):
        if number == plan.cut_after:
            if plan.reset:
                reset(writer)
            return False
        if gate and number == plan.gate_after:
            await gate.passed()
        if number and plan.event_ms:
            await asyncio.sleep(plan.event_ms / 1000)
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if plan.framing == "chunked" else piece)
        await writer.drain()
    if plan.framing == "chunked":
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return plan.framing != "close"


@dataclass(frozen=True, slots=True)
class Gate:
    """A place in a reply where it waits until GET /_go/NAME, or until the other side leaves."""

    reader: asyncio.StreamReader
    reached: asyncio.Event
    opened: asyncio.Event

    async def passed(self) -> None:
        self.reached.set()
        while not self.opened.is_set():
            if self.reader.at_eof():
                raise ConnectionResetError
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.opened.wait(), 0.02)


def rechunked(plan: Plan) -> Iterator[bytes]:
    if not plan.wire_bytes:
        yield from plan.pieces
        return
    joined = b"".join(plan.pieces)
    for start in range(0, len(joined), plan.wire_bytes):
        yield joined[start : start + plan.wire_bytes]


def head_of(plan: Plan) -> bytes:
    framing = {
        "length": f"content-length: {sum(map(len, plan.pieces))}\r\n",
        "chunked": "transfer-encoding: chunked\r\n",
        "close": "connection: close\r\n",
    }[plan.framing]
    extra = "".join(f"{name}: {value}\r\n" for name, value in plan.headers)
    head = f"HTTP/1.1 {plan.status} Simulated\r\nserver: {SERVER}\r\ncontent-type: {plan.content_type}\r\n{extra}{framing}\r\n"
    return head.encode("latin-1")


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with RST: SO_LINGER on, zero seconds."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def running(pem: Path | None = None, port: int = 0) -> Iterator[LocalProvider]:
    """The provider in a thread of its own, for tests."""
    provider, ready, loop = LocalProvider(), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await provider.listen(port, tls_context(pem) if pem else None)
        ready.set()
        await stop.wait()
        server.close()
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="local provider", daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the local provider did not start listening within 10 s")
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def serve_until_told(port: int, pem: Path | None) -> None:
    provider = LocalProvider()
    server = await provider.listen(port, tls_context(pem) if pem else None)
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    click.echo(f"local provider (simulated) listening on {'https' if pem else 'http'}://127.0.0.1:{provider.port}")
    await stop.wait()
    server.close()


@click.command()
@click.option("--port", default=0, show_default="a free one", help="TCP port on 127.0.0.1.")
@click.option(
    "--cert",
    "pem",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM with certificate and key: serve HTTPS.",
)
def main(port: int, pem: Path | None) -> None:
    """A simulated model provider on loopback. Example: python -m scripts.local_provider --port 0"""
    asyncio.run(serve_until_told(port, pem))


if __name__ == "__main__":
    main()
