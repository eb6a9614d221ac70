"""What a socket brings is heard at once, in order, from what had come before; asyncio's stream hears of the end. Real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator

import pytest
from mitmproxy.proxy import commands, events, server
from mitmproxy.test import tflow

from addons import handler
from addons.handler import Handler
from addons.reading import _MOST, at_once

EARLY = b"came before anybody listened"
MUCH = bytes(range(256)) * 8192  # 2 MB


async def talked(client: Callable[[asyncio.StreamWriter, asyncio.Event], Coroutine[None, None, None]]) -> list[bytes]:
    """What was heard of a client, that is told once somebody listens; after its end."""
    heard: list[bytes] = []
    listening, done = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)  # in one piece with what is early
        assert isinstance(writer.transport, asyncio.Transport)
        at_once(reader, writer.transport, heard.append)
        listening.set()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        done.set()

    async with asyncio.timeout(20), await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"." + EARLY)
        await client(writer, listening)
        writer.close()
        await done.wait()
    return heard


def test_what_had_come_is_heard_first_and_all_in_order() -> None:
    async def client(writer: asyncio.StreamWriter, listening: asyncio.Event) -> None:
        await listening.wait()
        writer.write(MUCH)
        await writer.drain()

    heard = asyncio.run(talked(client))

    assert heard[0] == EARLY
    assert b"".join(heard) == EARLY + MUCH
    assert max(map(len, heard)) <= _MOST


def test_an_end_that_came_at_once_is_an_end() -> None:
    async def client(writer: asyncio.StreamWriter, _listening: asyncio.Event) -> None:
        writer.write_eof()

    assert asyncio.run(talked(client)) == [EARLY]


def test_a_stream_that_was_paused_because_it_kept_a_lot_goes_on() -> None:
    async def client(writer: asyncio.StreamWriter, _listening: asyncio.Event) -> None:
        writer.write(MUCH)
        await writer.drain()

    assert b"".join(asyncio.run(talked(client))) == EARLY + MUCH


def test_nothing_is_read_while_the_other_side_is_slow() -> None:
    class Passing:
        """A layer that hands on to one connection what comes from any."""

        def handle_event(self, event: events.Event) -> Iterator[commands.Command]:
            assert isinstance(event, events.DataReceived)
            yield commands.SendData(to, event.data)

    async def scene() -> tuple[bool, bool, int]:
        ends = [socket.socketpair() for _ in range(2)]
        (near, origin), (far, target) = [(await asyncio.open_connection(sock=a), b) for a, b in ends]
        target.setblocking(False)
        made = Handler.__new__(Handler)
        made.client, made._inside, made._asked_inside = origin_of, Passing(), set()  # type: ignore[assignment]
        made._drain_lock = asyncio.Lock()
        made.timeout_watchdog = server.TimeoutWatchdog(60, lambda: asyncio.sleep(0))
        made.transports = {origin_of: server.ConnectionIO(None, *near), to: server.ConnectionIO(None, *far)}
        transport = near[1].transport
        assert isinstance(transport, asyncio.Transport)

        made._hear(origin_of, transport, MUCH)
        paused = not transport.is_reading()
        loop, got = asyncio.get_running_loop(), 0
        while got < len(MUCH) and (piece := await loop.sock_recv(target, _MOST)):
            got += len(piece)
        await asyncio.gather(*handler._tasks)
        reading = transport.is_reading()
        for _, writer in (near, far):
            writer.close()
            await writer.wait_closed()
        for end in (origin, target):
            end.close()
        return paused, reading, got

    origin_of, to = tflow.tclient_conn(), tflow.tserver_conn()

    assert asyncio.run(asyncio.wait_for(scene(), 20)) == (True, True, len(MUCH))


def test_a_fault_in_who_hears_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> bytes:
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert isinstance(writer.transport, asyncio.Transport)
            at_once(reader, writer.transport, lambda _: 1 // 0)
            with pytest.raises(ZeroDivisionError):
                await reader.read()
            closed.set()

        async with asyncio.timeout(20), await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(EARLY)
            left = await reader.read()
            await closed.wait()
            writer.close()
            return left

    assert asyncio.run(scene()) == b""
