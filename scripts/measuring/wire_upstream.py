"""The far end of `measure wire`: answers each request with its recording, cut anew, and keeps what it was sent. It is simulated."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from wsproto.utilities import ProtocolError

from scripts.measuring.http1 import LIMIT, Message, head_bytes, pieces, read_body, read_head, send_body
from scripts.measuring.recorded import Recorded
from scripts.measuring.wire_websocket import answer

MARK = "x-wire-record"
TRAILER = ("x-wire-trailer", "kept")
BODILESS = frozenset({204, 304})


@dataclass(slots=True)
class Upstream:
    """Requests by the mark they carry."""

    records: Mapping[str, Recorded]
    seed: int
    seen: dict[str, list[Message]] = field(default_factory=dict)
    strangers: int = 0  # requests without a mark: nothing the driver sent

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=LIMIT)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ProtocolError):
            while (head := await read_head(reader)) and await self._exchange(reader, writer, head):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Message) -> bool:
        record = self.records.get(head.header(MARK))
        if record is None:
            self.strangers += 1
            return False
        if record.websocket:
            self.seen.setdefault(record.mark, []).append(await answer(reader, writer, head, record))
            return False
        request = await read_body(reader, head, bodiless=False, to_end=False)
        self.seen.setdefault(record.mark, []).append(request)
        return await self._answer(writer, record)

    async def _answer(self, writer: asyncio.StreamWriter, record: Recorded) -> bool:
        """True: the connection may serve another."""
        chance = random.Random(f"{self.seed} {record.mark} reply")  # noqa: S311 -- borders, not secrets
        framing, trailers = framing_of(record, chance)
        start = f"HTTP/1.1 {record.status} Recorded"
        headers = [*record.reply_headers, *framing]
        if trailers:
            headers.append(("trailer", TRAILER[0]))
        writer.write(head_bytes(start, headers))
        if record.status in BODILESS or record.method == "HEAD":
            await writer.drain()
            return True
        chunked = ("transfer-encoding", "chunked") in framing
        await send_body(writer, pieces(record.reply_body, chance), chunked=chunked, trailers=trailers)
        return bool(framing) and ("connection", "close") not in framing


def framing_of(
    record: Recorded, chance: random.Random
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """How the reply's end is told: chunked (a few with trailers), by length, or by closing."""
    if record.status in BODILESS:
        return (), ()
    stream = record.framing in {"sse", "ndjson", "aws_eventstream"}
    how = chance.random()
    if how < (0.85 if stream else 0.45):
        return (("transfer-encoding", "chunked"),), (TRAILER,) if chance.random() < 0.2 else ()
    if how < 0.95:
        return (("content-length", str(len(record.reply_body))),), ()
    return (("connection", "close"),), ()
