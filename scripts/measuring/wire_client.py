"""The near end of `measure wire`: sends each recorded request through one of the gateway's doors and keeps the reply."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from dataclasses import dataclass, field

from wsproto.utilities import ProtocolError

from addons.policy.hosts import normal_host
from addons.providers.registry import DNS_SUFFIXES
from scripts.local_gateway import Gateway
from scripts.measuring.http1 import LIMIT, Message, Pairs, head_bytes, pieces, read_body, read_head, send_body
from scripts.measuring.recorded import Recorded
from scripts.measuring.wire_upstream import BODILESS, MARK
from scripts.measuring.wire_websocket import converse

SECONDS = 20.0  # for one exchange


class NoReply(Exception):  # noqa: N818 -- reads as what happened
    """The exchange brought no whole reply."""


@dataclass(slots=True)
class Line:
    """One connection to a door; one exchange at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass(slots=True)
class Client:
    gateway: Gateway
    token: str = field(repr=False)
    connections: dict[tuple[str, str], str]  # (provider, host) -> id in connections.yaml
    seed: int
    idle: dict[str, list[Line]] = field(default_factory=dict)

    def door(self, record: Recorded) -> str:
        """The host to CONNECT to, or "" for the base_url door: at random, where the recording can go either way."""
        if not (record.default_port and certified(record.host) and normal_host(record.host) == record.host):
            return ""
        return record.host if random.Random(f"{self.seed} {record.mark} door").random() < 0.5 else ""  # noqa: S311 -- a choice, not a secret

    async def exchange(self, record: Recorded) -> Message:
        host = self.door(record)
        waiting = self.idle.setdefault(host, [])
        line = waiting.pop() if waiting else await self.line(host)
        try:
            async with asyncio.timeout(SECONDS):
                reply = await self._exchange(line, record, host)
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError, ProtocolError) as error:
            line.writer.close()
            raise NoReply(type(error).__name__) from error
        if line.reader.at_eof() or "close" in reply.header("connection").lower() or not _framed(reply):
            line.writer.close()
        else:
            waiting.append(line)
        return reply

    async def line(self, host: str) -> Line:
        if not host:
            return Line(*await asyncio.open_connection("127.0.0.1", self.gateway.base_url_port, limit=LIMIT))
        return await self.through(host, 443)

    async def connect(self, host: str, port: int) -> tuple[Line, Message]:
        """CONNECT alone, and what the proxy says to it."""
        line = Line(*await asyncio.open_connection("127.0.0.1", self.gateway.proxy_port, limit=LIMIT))
        credential = base64.b64encode(f"affidavit:{self.token}".encode()).decode()
        headers = (("host", f"{host}:{port}"), ("proxy-authorization", f"Basic {credential}"))
        line.writer.write(head_bytes(f"CONNECT {host}:{port} HTTP/1.1", headers))
        answered = await read_head(line.reader)
        if answered is None:
            raise NoReply("the proxy closed")
        return line, answered

    async def through(self, host: str, port: int) -> Line:
        line, answered = await self.connect(host, port)
        if answered.status != 200:
            raise NoReply(answered.start)
        context = ssl.create_default_context(cafile=str(self.gateway.bundle))
        await line.writer.start_tls(context, server_hostname=host)
        return line

    def addressed(self, record: Recorded, host: str) -> tuple[str, Pairs]:
        """Target and headers at a door. The token goes where no provider looks; the recorded credential stays where it was."""
        own = (("host", host or "gateway"), (MARK, record.mark), *record.headers)
        if host:
            return record.target, own
        target = f"/{self.connections[record.provider, record.host]}{record.target}"
        return target, (*own, ("proxy-authorization", f"Bearer {self.token}"))

    async def _exchange(self, line: Line, record: Recorded, host: str) -> Message:
        target, headers = self.addressed(record, host)
        if record.websocket:
            return await converse(line.reader, line.writer, record, target, headers)
        chance = random.Random(f"{self.seed} {record.mark} request")  # noqa: S311 -- borders, not secrets
        chunked = bool(record.body) and chance.random() < 0.2
        length = ("content-length", str(len(record.body)))
        framing = (
            (("transfer-encoding", "chunked"),)
            if chunked
            else (length,)
            if record.body or record.method != "GET"
            else ()
        )
        line.writer.write(head_bytes(f"{record.method} {target} HTTP/1.1", (*headers, *framing)))
        await send_body(line.writer, pieces(record.body, chance), chunked=chunked)
        head = await read_head(line.reader)
        if head is None:
            raise NoReply("the gateway closed")
        bodiless = head.status in BODILESS or record.method == "HEAD"
        return await read_body(line.reader, head, bodiless=bodiless, to_end=True)

    def close(self) -> None:
        for lines in self.idle.values():
            for line in lines:
                line.writer.close()


def certified(host: str) -> bool:
    """Whether the gateway's CA may speak for this host; a provider's rarer hosts need another certificate, or a base URL."""
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in DNS_SUFFIXES)


def _framed(reply: Message) -> bool:
    """Whether the reply's end was told by itself, so that the connection goes on."""
    told = reply.header("content-length") or reply.header("transfer-encoding") or reply.status in BODILESS
    return bool(told) and reply.status != 101
