"""HTTP/1.1 messages, just enough to drive recorded exchanges: read whole, written in pieces whose borders are chosen. Not for strangers' bytes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

Pairs = tuple[tuple[str, str], ...]
LIMIT: Final = 1 << 20  # bytes of a head


@dataclass(frozen=True, slots=True)
class Message:
    start: str  # "POST /v1/x HTTP/1.1", "HTTP/1.1 200 OK"
    headers: Pairs = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    trailers: Pairs = field(default=(), repr=False)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def status(self) -> int:
        return int(self.start.split()[1])


async def read_head(reader: asyncio.StreamReader) -> Message | None:
    """The next head; None where the other side has closed."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    lines = raw[:-4].decode("latin-1").split("\r\n")
    return Message(lines[0], _pairs(lines[1:]))


async def read_body(reader: asyncio.StreamReader, head: Message, *, bodiless: bool, to_end: bool) -> Message:
    """bodiless: a reply that has none whatever its headers say; to_end: without a length, what comes until the close."""
    if bodiless:
        return head
    if "chunked" in head.header("transfer-encoding").lower():
        body = bytearray()
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        trailers = []
        while line := (await reader.readline()).strip():
            trailers.append(line.decode("latin-1"))
        return Message(head.start, head.headers, bytes(body), _pairs(trailers))
    if length := head.header("content-length"):
        return Message(head.start, head.headers, await reader.readexactly(int(length)))
    return Message(head.start, head.headers, await reader.read() if to_end else b"")


def _pairs(lines: Sequence[str]) -> Pairs:
    return tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))


def head_bytes(start: str, headers: Sequence[tuple[str, str]]) -> bytes:
    return "\r\n".join((start, *(f"{name}: {value}" for name, value in headers), "", "")).encode("latin-1")


def pieces(body: bytes, chance: random.Random) -> list[bytes]:
    """`body` cut at random: whole, in a few large pieces, in small ones, or byte by byte where that is not too many."""
    how = chance.random()
    if how < 0.2 or len(body) < 2:
        return [body] if body else []
    if how < 0.3 and len(body) <= 4096:
        sizes: Sequence[int] = (1,)
    else:
        sizes = chance.choice(((1, 2, 3, 17, 80), (1, 60, 700), (500, 5_000, 20_000)))
    cut, at = [], 0
    while at < len(body):
        size = chance.choice(sizes) if len(body) < 100_000 else chance.choice((*sizes, 50_000))
        cut.append(body[at : at + size])
        at += size
    return cut


async def send_body(writer: asyncio.StreamWriter, cut: Sequence[bytes], *, chunked: bool, trailers: Pairs = ()) -> None:
    """Each piece in a write of its own; a chunk's border is kept even where the network joins two."""
    for piece in cut:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
        await asyncio.sleep(0)
    if chunked:
        writer.write(b"0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1") + b"\r\n")
    await writer.drain()
