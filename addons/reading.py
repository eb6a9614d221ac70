"""What a socket brings goes to the layers in the turn of the loop in which it came. Not what they make of it (handler.py, mitmproxy's layers).

asyncio's stream would keep it and wake the task that reads, one turn later, for each piece: a thirtieth of what a small request costs. The
end, an error and who is slow to read stay with that stream and with mitmproxy's task, which from here on waits for the end only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_MOST = 1 << 16  # bytes handed on at once, as mitmproxy reads them

Hear = Callable[[bytes], None]


class AtOnce(asyncio.Protocol):
    """In the place of a stream's own protocol, which still hears all but the data."""

    def __init__(self, stream: asyncio.Protocol, hear: Hear) -> None:
        self._stream, self.data_received = stream, hear  # type: ignore[assignment, method-assign] # one call less for each piece

    def eof_received(self) -> bool | None:
        return self._stream.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.connection_lost(exc)

    def pause_writing(self) -> None:
        self._stream.pause_writing()

    def resume_writing(self) -> None:
        self._stream.resume_writing()


def at_once(reader: asyncio.StreamReader, transport: asyncio.Transport, hear: Hear) -> None:
    """From now on `hear` gets each piece as it comes; first, what has come already and nobody has read."""
    transport.max_size = _MOST  # type: ignore[attr-defined] # of asyncio's sockets; without it 256 KB
    kept: bytearray = reader._buffer  # type: ignore[attr-defined] # noqa: SLF001 -- `read` would wait where there is nothing
    early = bytes(kept)
    kept.clear()
    transport.set_protocol(AtOnce(transport.get_protocol(), hear))  # type: ignore[arg-type] # a stream's
    transport.resume_reading()  # the stream had paused it where it kept a lot
    if early:
        hear(early)
