"""A load client that costs little: HTTP/1.1 keep-alive over TLS, directly or by CONNECT, closed loop. Not a browser, not an SDK.

It understands just the replies of upstream.py: a length or chunked, a CLOCK_MONOTONIC stamp in each.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

STAMP = re.compile(rb"(?:x-sent-ns: |\"ns)(\d+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED_END = b"\r\n0\r\n\r\n"
TIMEOUT_SECONDS = 60.0


class Refused(Exception):  # noqa: N818 -- the measured side said no: the measurement is void, nothing is caught
    """An answer that is no 200."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach the upstream: directly, or through a proxy."""

    name: str
    target: tuple[str, int]  # host and port that the client means to reach
    tls: ssl.SSLContext
    proxy: int = 0  # port on loopback; 0: direct, to 127.0.0.1 at the target's port
    plain: bool = False  # direct without TLS: a peer that offers none
    token: str = field(default="", repr=False)

    @property
    def credential(self) -> str:
        return b64encode(f"affidavit:{self.token}".encode()).decode()


@dataclass(slots=True)
class Timing:
    """One exchange, in nanoseconds of CLOCK_MONOTONIC."""

    began: int
    ended: int = 0
    transits: list[int] = field(default_factory=list)  # from upstream's write to our read, one a stamp
    size: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection; one exchange at a time."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray()
        self.timing: Timing | None = None
        self.done: asyncio.Future[None] | None = None
        self.need = 0  # bytes of the whole reply; 0: head not read; -1: chunked
        self.replied = asyncio.Event()  # something of the reply under way has come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done and not self.done.done():
            self.done.set_exception(
                Refused(f"the connection was closed in the middle of an exchange: {exc or 'end of data'}")
            )

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.buffer += data
        if self.timing:
            self.timing.transits += [now - int(found[1]) for found in STAMP.finditer(data)]
            self.replied.set()
        if self.need == 0:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.buffer[: end + 4])
            if not head.startswith(b"HTTP/1.1 200"):
                self.fail(head, end)
                return
            length = LENGTH.search(head)
            self.need = end + 4 + int(length[1]) if length else (end + 4 if self.timing is None else -1)
        if (len(self.buffer) >= self.need) if self.need > 0 else self.buffer.endswith(CHUNKED_END):
            self.complete(now)

    def fail(self, head: bytes, end: int) -> None:
        assert self.done
        if not self.done.done():
            self.done.set_exception(
                Refused(f"{head.splitlines()[0].decode('latin-1')} {bytes(self.buffer[end + 4 :])[:300]!r}")
            )

    def complete(self, now: int) -> None:
        if self.timing:
            self.timing.ended, self.timing.size = now, len(self.buffer)
        self.body = bytes(self.buffer)
        self.buffer.clear()
        self.need = 0
        assert self.done
        if not self.done.done():
            self.done.set_result(None)

    async def exchange(self, request: bytes) -> Timing:
        timing = self.timing = Timing(time.monotonic_ns())
        self.replied.clear()
        await self.send(request)
        return timing

    async def send(self, data: bytes) -> None:
        self.done = self.loop.create_future()
        self.transport.write(data)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self.done

    def close(self) -> None:
        self.transport.close()


async def connect(way: Way) -> Connection:
    """A connection with TLS up to whoever ends it: the upstream, or the proxy in its place."""
    loop = asyncio.get_running_loop()
    if not way.proxy:
        _, direct = await loop.create_connection(
            Connection, "127.0.0.1", way.target[1], ssl=way.tls, server_hostname=way.target[0]
        )
        return direct
    transport, connection = await loop.create_connection(Connection, "127.0.0.1", way.proxy)
    host, port = way.target
    await connection.send(
        f"CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\nproxy-authorization: Basic {way.credential}\r\n\r\n".encode()
    )
    secured = await loop.start_tls(transport, connection, way.tls, server_hostname=host)
    assert secured
    connection.transport = secured
    return connection


Requests = Callable[[int], Iterator[bytes]]  # the client's number -> its requests, without end


@dataclass(slots=True)
class Load:
    """What a closed loop of clients did."""

    timings: list[Timing]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.timings) / self.seconds

    def latencies_ms(self) -> list[float]:
        return sorted((one.ended - one.began) / 1e6 for one in self.timings)

    def transits_ms(self) -> list[float]:
        return sorted(each / 1e6 for one in self.timings for each in one.transits)


async def closed_loop(
    way: Way, clients: int, requests: Requests, seconds: float, most: int = 1_000_000, warm: Callable[[], object] = int
) -> Load:
    """`clients` connections, each with one request under way, for `seconds` or `most` requests in all. Opening them, and the first
    request of each, are not counted; `warm` is called after that.
    """
    connections = await asyncio.gather(*(connect(way) for _ in range(clients)))
    timings: list[Timing] = []
    streams = [requests(number) for number in range(clients)]
    for connection, stream in zip(connections, streams, strict=True):
        await connection.exchange(next(stream))  # the upstream connection behind the proxy, not counted either
    warm()
    began = time.monotonic()
    until = began + seconds

    async def client(connection: Connection, stream: Iterable[bytes]) -> None:
        for request in stream:
            if time.monotonic() >= until or len(timings) >= most:
                return
            timings.append(await connection.exchange(request))

    try:
        async with asyncio.TaskGroup() as group:
            for connection, stream in zip(connections, streams, strict=True):
                group.create_task(client(connection, stream))
    finally:
        for connection in connections:
            connection.close()
    return Load(timings, time.monotonic() - began)


def percentile(ordered: list[float], share: float) -> float:
    """Of values in order; 0 for none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
