"""Recorded WebSocket conversations, both ends: each side says its messages when it has heard the other's before them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from scripts.measuring.http1 import Message, Pairs, head_bytes
from scripts.measuring.recorded import Recorded, WebSocketMessage

EQUAL = b"equal"
BYTES = 1 << 16


@dataclass(slots=True)
class End:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ws: WSConnection
    partial: list[str | bytes] = field(default_factory=list)

    async def event(self) -> Event:
        while True:
            for event in self.ws.events():
                if isinstance(event, Ping):
                    self.send(event.response())
                else:
                    return event
            data = await self.reader.read(BYTES)
            self.ws.receive_data(data or None)

    def send(self, event: Event) -> None:
        self.writer.write(self.ws.send(event))

    async def hear(self) -> str | bytes | None:
        """The next whole message; None: the other side is done."""
        while isinstance(event := await self.event(), (TextMessage, BytesMessage)):
            self.partial.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
            if event.message_finished:
                pieces, self.partial = self.partial, []
                return (
                    "".join(map(str, pieces))
                    if isinstance(event, TextMessage)
                    else b"".join(p for p in pieces if isinstance(p, bytes))
                )
        if isinstance(event, CloseConnection):
            self.send(event.response())
        return None

    def say(self, message: WebSocketMessage, chance: random.Random) -> None:
        """Whole, or in two frames."""
        content = message.content
        cut = chance.randrange(len(content)) if len(content) > 1 and chance.random() < 0.3 else 0
        for piece, last in ((content[:cut], False), (content[cut:], True))[not cut :]:
            if isinstance(piece, str):
                self.send(TextMessage(data=piece, message_finished=last))
            else:
                self.send(BytesMessage(data=piece, message_finished=last))

    async def play(self, messages: Sequence[WebSocketMessage], chance: random.Random, *, client: bool) -> bytes:
        """EQUAL, or the number of the first message that arrived otherwise."""
        for number, message in enumerate(messages):
            if message.from_client == client:
                self.say(message, chance)
                await self.writer.drain()
            elif await self.hear() != message.content:
                return b"message %d" % number
        return EQUAL


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: Recorded, target: str, headers: Pairs
) -> Message:
    """The client's end. Its reply's body tells whether all came as recorded."""
    end = End(reader, writer, WSConnection(ConnectionType.CLIENT))
    chance = random.Random(record.mark)  # noqa: S311 -- frames' borders, not secrets
    extra = [(name.encode(), value.encode("latin-1")) for name, value in headers if name.lower() != "host"]
    host = next((value for name, value in headers if name.lower() == "host"), "gateway")
    extensions = [PerMessageDeflate()] if chance.random() < 0.5 else []
    end.send(Request(host=host, target=target, extra_headers=extra, extensions=extensions))
    opening = await end.event()
    body = b""
    if isinstance(opening, RejectConnection):
        while opening.has_body and isinstance(event := await end.event(), RejectData):
            body += bytes(event.data)
        return Message(f"HTTP/1.1 {opening.status_code}", _pairs(opening.headers), body)
    assert isinstance(opening, AcceptConnection)
    told = await end.play(record.messages, chance, client=True)
    end.send(CloseConnection(code=1000))
    await end.event()
    return Message("HTTP/1.1 101 Switching Protocols", _pairs(opening.extra_headers), told)


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Message, record: Recorded
) -> Message:
    """The server's end: the request, with whether all came as recorded for a body."""
    end = End(reader, writer, WSConnection(ConnectionType.SERVER))
    end.ws.receive_data(head_bytes(head.start, head.headers))
    opening = await end.event()
    assert isinstance(opening, Request)
    extra = [(name.encode(), value.encode("latin-1")) for name, value in record.reply_headers]
    end.send(AcceptConnection(extra_headers=extra, extensions=[PerMessageDeflate()]))
    told = await end.play(record.messages, random.Random(record.mark), client=False)  # noqa: S311 -- as above
    await end.hear()
    await writer.drain()
    return Message(head.start, head.headers, told)


def _pairs(headers: Sequence[tuple[bytes, bytes]]) -> Pairs:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
