"""The far end of a measurement: answers as OpenAI's chat endpoint does, as fast as Python can, over TLS on loopback. It is simulated.

What to answer stands in the request's header `x-bench`: `json BYTES` or `sse CHUNKS INTERVAL_MS`. Every reply and every chunk carries
the sender's CLOCK_MONOTONIC in nanoseconds, so that the client can tell how long it was under way. Not the local provider: that
one parses and breaks things, this one counts.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from pathlib import Path

import click

from scripts.local_certificate import tls_context

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ASKED = re.compile(rb"\r\nx-bench: *([^\r]*)", re.IGNORECASE)
WORDS = "a simulated answer of ordinary words without any sensitive value in it, as most answers are; "
CHUNK = '{{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1,"model":"gpt-bench","system_fingerprint":"ns{ns}","choices":[{choice}]{usage}}}'
USAGE = '{"prompt_tokens":500,"completion_tokens":200,"total_tokens":700}'


HOST = re.compile(rb"\r\nhost: *([^\r]*)", re.IGNORECASE)


class Counter:
    """Requests by the host that they named: the gateway names another one than direct and bare."""

    def __init__(self) -> None:
        self.requests: dict[str, int] = {}
        self.chunks = 0

    def count(self, head: bytes) -> None:
        found = HOST.search(head)
        host = found[1].decode() if found else ""
        self.requests[host] = self.requests.get(host, 0) + 1


def json_reply(size: int) -> bytes:
    text = "answer 00000000000000000000 " + (WORDS * (size // len(WORDS) + 1))[: max(1, size - 360)]
    choice = {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop"}
    reply = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-bench",
        "choices": [choice],
    }
    body = json.dumps({**reply, "usage": json.loads(USAGE), "system_fingerprint": "simulated"}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nx-sent-ns: "
    return head.encode() + b"%(now)d\r\n\r\n" + body.replace(b"%", b"%%").replace(b"0" * 20, b"%(now)020d")


def sse_event(content: str, *, finish: bool = False) -> bytes:
    delta = json.dumps({"content": content} if content else {})
    choice = f'{{"index":0,"delta":{delta},"finish_reason":{"null" if not finish else chr(34) + "stop" + chr(34)}}}'
    usage = f',"usage":{USAGE}' if finish else ""
    return f"data: {CHUNK.format(ns=time.monotonic_ns(), choice=choice, usage=usage)}\n\n".encode()


class Upstream(asyncio.Protocol):
    """One connection. No two answers are equal: equal texts would be kept once."""

    replies: dict[int, bytes] = {}  # noqa: RUF012 -- prepared once, shared by all connections of this process

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.received = bytearray()
        self.need = 0
        self.left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self.left = True

    def data_received(self, data: bytes) -> None:
        self.received += data
        while self.received and len(self.received) >= self.need:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.received[:end])
            length = LENGTH.search(head)
            self.need = end + 4 + (int(length[1]) if length else 0)
            if len(self.received) < self.need:
                return
            del self.received[: self.need]
            self.need = 0
            self.answer(head)

    def answer(self, head: bytes) -> None:
        if head.startswith(b"GET /_count"):
            body = json.dumps({"requests": self.counter.requests, "chunks": self.counter.chunks}).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            return
        self.counter.count(head)
        found = ASKED.search(head)
        kind, *numbers = (found[1] if found else b"json 1500").decode().split()
        if kind == "sse":
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            self.event(0, int(numbers[0]), float(numbers[1]) / 1000)
            return
        size = int(numbers[0])
        if size not in self.replies:
            self.replies[size] = json_reply(size)
        self.transport.write(self.replies[size] % {b"now": time.monotonic_ns()})

    def event(self, number: int, count: int, interval: float) -> None:
        if self.left:
            return
        last = number + 1 == count
        data = sse_event("" if last else "one more word ", finish=last) + (b"data: [DONE]\n\n" if last else b"")
        self.counter.chunks += 1
        self.transport.write(b"%x\r\n%b\r\n%b" % (len(data), data, b"0\r\n\r\n" if last else b""))
        if not last:
            asyncio.get_running_loop().call_later(interval, self.event, number + 1, count, interval)


async def serve(pem: Path) -> None:
    loop, counter, stop = asyncio.get_running_loop(), Counter(), asyncio.Event()
    server = await loop.create_server(lambda: Upstream(counter), "127.0.0.1", 0, ssl=tls_context(pem), backlog=1024)
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop.set)
    click.echo(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()


@click.command()
@click.argument("pem", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(pem: Path) -> None:
    """Prints its port, then serves until it is told to stop."""
    asyncio.run(serve(pem))


if __name__ == "__main__":
    main()
