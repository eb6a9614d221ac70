"""Our subclasses of mitmproxy's WebSocket layer. Internal API, as layers.py: mitmproxy is pinned to one minor, and test_websockets.py and
test_wire_sockets.py drive them.

What they add to 12.2.3 (proxy/layers/websocket.py):
  the end       a conversation that was refused is cut, where mitmproxy would go on with the next message
  last change   what goes on to the client may go through a change, after every hook: one message becomes one or several
  bounds        a message that grows over the client's bound is judged, and so cut, before its last frame; mitmproxy collects without end
  whole texts   a changed text is sent in one frame, where mitmproxy cuts it each 4,000 bytes, through characters too
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.flow import Flow
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers import websocket
from mitmproxy.websocket import WebSocketMessage
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Event, Message, TextMessage
from wsproto.frame_protocol import Opcode

from addons import layers

POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
NORMAL = 1000
REASON_BYTES = 123  # of a close frame; RFC 6455, 5.5


@dataclass(frozen=True, slots=True)
class Cut:
    reason: str = "gateway_fault"
    last: bytes = field(default=b"", repr=False)  # a message of ours to the client; b"": its format has none


_cuts: WeakKeyDictionary[Flow, Cut] = WeakKeyDictionary()


def cut(flow: http.HTTPFlow, how: Cut) -> None:
    """The message under way does not pass, nor does any after it; both ends are closed. Called from a message's hook."""
    assert flow.websocket
    flow.websocket.messages[-1].drop()
    if flow.killable:
        flow.kill()
    _cuts.setdefault(flow, how)


class Torn(Exception):  # noqa: N818 -- a state of the conversation
    """What the client should get could not be made: it is cut."""

    def __init__(self, how: Cut) -> None:
        super().__init__(how.reason)
        self.how = how


class Change(Protocol):
    """What the client gets instead of a provider's messages. Either may raise Torn. It holds no flow. slow: not for the event loop."""

    slow: bool

    def message(self, content: bytes) -> list[bytes]: ...

    def finish(self) -> list[bytes]:
        """What was kept back, before the conversation's end."""


@dataclass
class SocketPiece:
    """What waits to be changed off the loop: a message, or (None) what was kept back. An addon sets `out`, or `torn`."""

    flow: http.HTTPFlow
    change: Change
    content: bytes | None = field(repr=False)
    out: list[bytes] = field(default_factory=list, repr=False)
    torn: Torn | None = None


@dataclass
class SocketPieceHook(commands.StartHook):
    """mitmproxy hook `socket_piece(piece)`."""

    piece: SocketPiece


_changes: WeakKeyDictionary[Flow, Change] = WeakKeyDictionary()


def change(flow: http.HTTPFlow, made: Change) -> None:
    """The client of this flow, if it becomes a WebSocket, gets what `made` makes of it."""
    _changes[flow] = made


class Connection(websocket.WebsocketConnection):
    """One side of it. `change`: of what is sent to this side."""

    change: Change | None = None
    torn: Torn | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._pieces: list[str | bytes] = []
        self._kind: str | bytes = ""  # of what was said last
        self.waiting: bytes | CloseConnection | None = None  # of a slow change
        self._counted: tuple[list[bytes], int, int] = (
            [],
            0,
            0,
        )  # frames of the message under way, how many of them, their bytes

    def unfinished(self) -> int:
        """Bytes of the message that this side sends and has not ended."""
        frames, number, size = self._counted
        if frames is not self.frame_buf:
            number = size = 0
        size += sum(map(len, self.frame_buf[number:-1]))
        self._counted = self.frame_buf, len(self.frame_buf) - 1, size
        return size + len(self.frame_buf[-1])

    def send2(self, event: Event) -> commands.SendData:
        if self.change is None or not isinstance(event, Message | CloseConnection):
            return super().send2(event)
        try:
            return commands.SendData(self.conn, self._changed(event, self.change))
        except Torn as torn:
            self.torn = torn
            return commands.SendData(self.conn, b"")

    def _changed(self, event: Message[Any] | CloseConnection, made: Change) -> bytes:
        if isinstance(event, CloseConnection):
            if made.slow and self.state is ConnectionState.OPEN:
                self.waiting = event
                return b""
            rest = made.finish() if self.state is ConnectionState.OPEN else []
            return self.spelled(rest, event)
        self._pieces.append(event.data)
        self._kind = event.data[:0]
        if not event.message_finished:
            return b""
        pieces, self._pieces = self._pieces, []
        content = b"".join(one.encode() if isinstance(one, str) else one for one in pieces)
        if made.slow:
            self.waiting = content
            return b""
        return self.spelled(made.message(content))

    def spelled(self, contents: list[bytes], *more: CloseConnection) -> bytes:
        return b"".join(self.send(one) for one in (*map(self._like, contents), *more))

    def _like(self, content: bytes) -> Message[Any]:
        """Text where the provider's own was text."""
        return Message(content.decode("utf-8", "replace") if isinstance(self._kind, str) else content)


class Fragmentizer(websocket.Fragmentizer):
    """A message in the frames it came in, else in one."""

    def __call__(self, content: bytes) -> Iterator[Message[Any]]:
        if content and len(content) == sum(self.fragment_lengths) and not self._cuts_characters(content):
            yield from super().__call__(content)
        else:
            yield self.msg(content, message_finished=True)

    def _cuts_characters(self, content: bytes) -> bool:
        place = 0
        for length in self.fragment_lengths[:-1]:
            place += length
            if content[place] & 0xC0 == 0x80:  # not a character's first byte
                return self.is_text
        return False


class Socket(websocket.WebsocketLayer):
    """One conversation."""

    client_ws: Connection

    def start(self, event: events.Event) -> CommandGenerator[None]:
        for command in super().start(event):
            if isinstance(command, websocket.WebsocketStartHook):
                self.client_ws.change = _changes.get(self.flow)
            yield command

    _handle_event = start

    def relay_messages(self, event: events.Event) -> CommandGenerator[None]:
        for command in super().relay_messages(event):
            if torn := self.client_ws.torn:
                if self.flow.killable:
                    self.flow.kill()
                yield from self._cut(torn.how)
                return
            if isinstance(command, commands.SendData) and not command.data:
                if not (yield from self._change_elsewhere()):  # else a piece of what is changed when it is whole
                    return
                continue
            yield command
            if isinstance(command, websocket.WebsocketMessageHook) and not self.flow.live:
                yield from self._cut(_cuts.get(self.flow, Cut()))
                return
        if self.client_ws.unfinished() > layers.bounds_of(self.flow).request_bytes:
            yield from self._too_large()

    def _too_large(self) -> CommandGenerator[None]:
        """As far as it came it is a message over the bound: the hook refuses it, for the record and the client. It is cut whatever the hook does."""
        assert self.flow.websocket
        content = b"".join(self.client_ws.frame_buf)
        self.client_ws.frame_buf = [b""]
        self.flow.websocket.messages.append(WebSocketMessage(Opcode.BINARY, True, content))
        yield websocket.WebsocketMessageHook(self.flow)
        if self.flow.killable:
            self.flow.kill()
        yield from self._cut(_cuts.get(self.flow, Cut()))

    def _change_elsewhere(self) -> Generator[commands.Command, Any, bool]:
        """False: it is cut."""
        waited, self.client_ws.waiting = self.client_ws.waiting, None
        if waited is None or self.client_ws.change is None:
            return True
        piece = SocketPiece(self.flow, self.client_ws.change, waited if isinstance(waited, bytes) else None)
        yield SocketPieceHook(piece)
        if piece.torn or not self.flow.live:
            if self.flow.killable:
                self.flow.kill()
            yield from self._cut(piece.torn.how if piece.torn else _cuts.get(self.flow, Cut()))
            return False
        closing = () if isinstance(waited, bytes) else (waited,)
        yield commands.SendData(self.client_ws.conn, self.client_ws.spelled(piece.out, *closing))
        return True

    def _cut(self, how: Cut) -> CommandGenerator[None]:
        """The client is told why; the provider only that it is over."""
        assert self.flow.websocket
        self.client_ws.change = None  # what it keeps back is not passed
        reason = how.reason.encode()[:REASON_BYTES].decode("utf-8", "ignore")
        if how.last and self.client_ws.state is ConnectionState.OPEN:
            yield self.client_ws.send2(TextMessage(how.last.decode()))
        for ws, close in (
            (self.client_ws, CloseConnection(POLICY_VIOLATION, reason)),
            (self.server_ws, CloseConnection(NORMAL)),
        ):
            if ws.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
                yield ws.send2(close)
            yield commands.CloseConnection(ws.conn)
        self.flow.websocket.timestamp_end = time.time()
        self.flow.websocket.closed_by_client = False
        self.flow.websocket.close_code, self.flow.websocket.close_reason = POLICY_VIOLATION, reason
        yield websocket.WebsocketEndHook(self.flow)
        self._handle_event = self.done  # type: ignore[method-assign] # as mitmproxy's layers do


def install() -> None:
    """mitmproxy looks these classes up by name in their module."""
    websocket.WebsocketLayer = Socket  # type: ignore[misc] # see above
    websocket.WebsocketConnection = Connection  # type: ignore[misc] # see above
    websocket.Fragmentizer = Fragmentizer  # type: ignore[misc] # see above
