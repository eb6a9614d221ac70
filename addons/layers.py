"""Our few subclasses of mitmproxy's HTTP layers, where no hook is offered. Internal API: mitmproxy is pinned to one minor,
and each behaviour has its own end-to-end test.

What they add to 12.2.3 (proxy/layers/http/__init__.py):
  client_left       while a hook waits, whether and when the client is gone (its RequestProtocolError waits in the paused queue)
  request bounds    a body over the limit is thrown away as it arrives and answered with 413, never buffered
  reply bounds      a reply over its limit is streamed on instead of buffered
  reply pieces      a stream's piece may wait for a decision, others run on; the last piece waits for the record
  upstream failure  a failed connection is answered in the provider's own error shape, not with an HTML page
  101               one that is no WebSocket is refused
  malformed         what mitmproxy answers with 400 before any hook is told to an addon
  tunnels           bytes are counted, never looked at
One connection, as it is read and written: http_connections.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

from mitmproxy import connection, flow, http
from mitmproxy.proxy import commands, events, layer, layers
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http import _events as http_events
from mitmproxy.proxy.layers.http import _hooks

from addons.http_connections import (
    Http1Client,
    Http1Server,
    Http2Client,
    Http2Server,
    Malformed,
    MalformedHook,
    RequestData,
    ResponseData,
    Whole,
)

__all__ = ["Malformed", "MalformedHook"]  # of a connection; told to addons as all else is

DRAIN_FACTOR = 4  # a refused upload is read on (so that the client hears the answer) up to this many times its limit


@dataclass
class ReplyPiece:
    """A piece of a streamed reply that waits for addons. They set `out`, and `again` to be asked once more after it is sent."""

    flow: http.HTTPFlow
    out: bytes = b""
    decided: bool = False  # without it, and without `again`, nothing more of the reply is passed
    again: bool = False
    end: bool = False  # the reply ends here: what the tap releases is the last the client gets


@dataclass
class ReplyPieceHook(commands.StartHook):
    """mitmproxy hook `reply_piece(piece)`. Exactly one field: more crash its handle_hook."""

    piece: ReplyPiece


@dataclass
class UpstreamFailedHook(commands.StartHook):
    """mitmproxy hook `upstream_failed(flow)`: no reply began; an addon sets `flow.response`."""

    flow: http.HTTPFlow


class Tap:
    """What a streamed reply flows through. `feed` is on the event loop for every chunk: append, no more.

    feed(data) -> bytes to pass on now.  waiting: a piece must be decided before more is passed; changing: or changed, off the loop.
    finish() -> bytes: the provider sent its end; what may still be passed at once.  release() -> bytes kept back until the record was durable.
    """

    waiting: bool = False
    changing: bytes | bytearray = b""

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError

    def finish(self) -> bytes:
        raise NotImplementedError

    def release(self) -> bytes:
        raise NotImplementedError


@dataclass(slots=True)
class Bounds:
    """Bytes a flow may make us hold. Set at `requestheaders`; without it, the defaults."""

    request_bytes: int = 32 << 20
    reply_bytes: int = 32 << 20
    overrun: bool = field(default=False)  # the request was longer


class _Kept:
    """What stands here of a flow, as an attribute of it: it ends with the flow."""

    __slots__ = ("bounds", "stream", "tap")

    def __init__(self) -> None:
        self.bounds = Bounds()
        self.tap: Tap | None = None
        self.stream: ref[Stream] | None = None  # a stream holds its flow: not the other way round


def _kept(f: flow.Flow) -> _Kept:
    try:
        return f.affidavit_layers  # type: ignore[attr-defined, no-any-return] # set here only
    except AttributeError:
        made = f.affidavit_layers = _Kept()  # type: ignore[attr-defined]
        return made


def _stream(f: flow.Flow) -> Stream | None:
    return found() if (found := _kept(f).stream) else None


def client_left(f: http.HTTPFlow) -> bool:
    """True once the client of a waiting flow is gone: HTTP/1 close, HTTP/2 close or RST_STREAM."""
    stream = _stream(f)
    if stream is None or not f.client_conn.connected:
        return True
    return stream.saw(http_events.RequestProtocolError)


class _Waiting(deque[events.Event]):
    """What came for a paused stream; says so when its client has gone. Costs nothing for a stream that is not held."""

    def __init__(self, before: Iterable[events.Event], left: Callable[[], None]) -> None:
        super().__init__(before)
        self._left = left

    def append(self, event: events.Event) -> None:
        super().append(event)
        if isinstance(event, http_events.RequestProtocolError):
            self._left()


def when_client_leaves(f: http.HTTPFlow, left: Callable[[], None]) -> None:
    """Calls `left` when the client of this flow, which a hook holds now, is gone; many holds need not be asked in turn."""
    stream = _stream(f)
    if stream is not None:
        stream._paused_event_queue = _Waiting(stream._paused_event_queue, left)  # noqa: SLF001 -- mitmproxy's own, see above


def tap(f: http.HTTPFlow, through: Tap) -> None:
    """Stream this flow's reply through `through`. Called from `responseheaders`."""
    assert f.response
    f.response.stream = True
    _kept(f).tap = through


def tap_if_large(f: http.HTTPFlow, through: Tap) -> None:
    """Hold this reply whole; stream it on through `through` only once it is over its bound."""
    _kept(f).tap = through


def bounds_of(f: http.HTTPFlow) -> Bounds:
    return _kept(f).bounds


class Stream(http_layers.HttpStream):
    """One request and its reply."""

    def flow_done(self) -> CommandGenerator[None]:
        """What is over lets go of itself: a stream stands in its own list of layers, and its states are its own methods. Left to the
        garbage collector, thousands of flows with their bodies would wait for it.
        """
        yield from super().flow_done()
        if self.child_layer is None:
            self.context.layers = []
            self.client_state = self.server_state = _over

    def saw(self, kind: type[events.Event]) -> bool:
        return any(isinstance(event, kind) for event in self._paused_event_queue)

    def state_wait_for_request_headers(self, event: http_events.RequestHeaders) -> CommandGenerator[None]:
        generator = super().state_wait_for_request_headers(event)
        asked = False
        for command in generator:
            if hasattr(self, "flow"):
                _kept(self.flow).stream = ref(self)
            asked = asked or isinstance(command, (_hooks.HttpRequestHeadersHook, _hooks.HttpConnectHook))
            yield command
        _kept(self.flow).stream = ref(self)
        if not asked:
            yield MalformedHook(Malformed(self.context.client))

    def state_consume_request_body(self, event: events.Event) -> CommandGenerator[None]:
        """Hold at most `request_bytes`; of a request that is refused already, nothing."""
        if isinstance(event, http_events.RequestData):
            bounds = bounds_of(self.flow)
            size = len(self.request_body_buf) + len(event.data)
            if self.flow.response or bounds.overrun or size > bounds.request_bytes:
                bounds.overrun = bounds.overrun or size > bounds.request_bytes
                self.request_body_buf.clear()
                self._drained += len(event.data)
                if self._drained > DRAIN_FACTOR * bounds.request_bytes:
                    yield commands.CloseConnection(self.context.client)
                return
        held = super().state_consume_request_body(event)
        yield from self._joined(held) if isinstance(event, http_events.RequestEndOfMessage) else held

    _drained = 0

    def _joined(self, sending: CommandGenerator[None]) -> CommandGenerator[None]:
        """Head and body of what was held whole leave together: one record of TLS, and one way through the layers, for two."""
        head: Any = None
        reply = None
        try:
            while True:
                command = sending.send(reply)
                reply = None
                event = command.event if isinstance(command, http_layers.SendHttp) else None
                if head is not None and isinstance(event, (http_events.RequestData, http_events.ResponseData)):
                    head.event = Whole(event.stream_id, head.event, event)
                    command, head = head, None
                elif (
                    isinstance(event, (http_events.RequestHeaders, http_events.ResponseHeaders))
                    and not event.end_stream
                ):
                    head = command
                    continue
                elif head is not None:
                    yield head
                    head = None
                reply = yield command
        except StopIteration:
            pass
        if head is not None:
            yield head

    def state_wait_for_response_headers(self, event: http_events.ResponseHeaders) -> CommandGenerator[None]:
        if event.response.status_code == 101 and not self._asked_for_websocket():
            yield commands.CloseConnection(self.context.server)
            yield from self._upstream_failed("upstream switched to a protocol nobody asked for")
            return
        yield from super().state_wait_for_response_headers(event)
        if self._answered() and self.flow.response is not event.response and not self.flow.error:
            # An addon refused: mitmproxy would put upstream's body under our headers.
            yield from self._cancel_upstream()
            yield from self.send_response()

    def check_body_size(self, request: bool) -> CommandGenerator[bool]:
        """mitmproxy's own bounds are options that we refuse, unless the operator allowed them by name."""
        options = self.context.options
        if options.body_size_limit is None and options.stream_large_bodies is None:
            return False
        return (yield from super().check_body_size(request))

    def _asked_for_websocket(self) -> bool:
        return bool(self.flow.request.headers.get("upgrade", "").lower() == "websocket")

    def state_consume_response_body(self, event: events.Event) -> CommandGenerator[None]:
        """Hold at most `reply_bytes`; then stream on, through the tap that the addon prepared for this case."""
        yield from super().state_consume_response_body(event)
        through = _kept(self.flow).tap
        if through and len(self.response_body_buf) > bounds_of(self.flow).reply_bytes:
            buffered = bytes(self.response_body_buf)
            self.response_body_buf.clear()
            assert self.flow.response
            self.flow.response.stream = True
            yield from self.start_response_stream()
            yield from self.state_stream_response_body(http_events.ResponseData(self.stream_id, buffered))

    def state_stream_response_body(self, event: events.Event) -> CommandGenerator[None]:
        through = _kept(self.flow).tap
        if through is None:
            yield from super().state_stream_response_body(event)
        elif isinstance(event, http_events.ResponseData):
            yield from self._pass(through.feed(event.data))
            if not (self.flow.error and (yield from self.check_killed(True))):
                yield from self._decide(through)
        else:
            if isinstance(event, http_events.ResponseEndOfMessage):
                yield from self._pass(through.finish())
                if (yield from self._decide(through)):
                    return
            yield from super().state_stream_response_body(event)

    def _pass(self, data: bytes) -> CommandGenerator[None]:
        if data:
            yield http_layers.SendHttp(http_events.ResponseData(self.stream_id, data), self.context.client)

    def _decide(self, through: Tap) -> Generator[commands.Command, Any, bool]:
        """Ask until nothing waits. True: the reply is over, and no more of it is passed."""
        while through.waiting or through.changing:
            piece = ReplyPiece(self.flow)
            yield ReplyPieceHook(piece)
            if not (piece.decided or piece.again or piece.end) and not self.flow.error:
                self.flow.kill()
            if (yield from self.check_killed(True)):
                return True
            if piece.end:
                yield from self._cancel_upstream()
                yield from self.send_response(already_streamed=True)
                return True
            yield from self._pass(piece.out)
            if not piece.again:
                break
        return False

    def _cancel_upstream(self) -> CommandGenerator[None]:
        cancel = http_events.RequestProtocolError(self.stream_id, "refused", http_events.ErrorCode.CANCEL)
        yield http_layers.SendHttp(cancel, self.context.server)

    def send_response(self, already_streamed: bool = False) -> CommandGenerator[None]:
        """The `response` hook writes the record; only then do the kept-back bytes and the end follow."""
        if not already_streamed:
            yield from self._joined(super().send_response())
            return
        for command in super().send_response(already_streamed):
            yield command
            through = _kept(self.flow).tap
            if through and isinstance(command, _hooks.HttpResponseHook) and not self.flow.error:
                yield from self._pass(through.release())

    def handle_protocol_error(self, event: Any) -> CommandGenerator[None]:
        nothing_sent = self.server_state in (self.state_wait_for_response_headers, self.state_consume_response_body)
        upstream = isinstance(event, http_events.ResponseProtocolError)
        if upstream and nothing_sent and self.client_state != self.state_errored:
            yield from self._upstream_failed(event.message)
        else:
            yield from super().handle_protocol_error(event)

    def _answered(self) -> bool:
        return self.flow.response is not None

    def _upstream_failed(self, message: str) -> CommandGenerator[None]:
        self.flow.response = None
        self.flow.error = flow.Error(message)
        yield UpstreamFailedHook(self.flow)
        if not self._answered():  # by no addon: mitmproxy's own page
            yield from super().handle_protocol_error(
                http_events.ResponseProtocolError(self.stream_id, message, http_events.ErrorCode.CONNECT_FAILED)
            )
            return
        self.flow.error = None
        self.response_body_buf.clear()
        yield from self.send_response()
        self.server_state = self.state_errored


def _over(_: events.Event) -> CommandGenerator[None]:
    """The state of a stream that has been dropped."""
    yield from ()


class Tunnel(layers.TCPLayer):
    """Bytes between a client and a host that is no provider's: relayed and counted, not decrypted, not kept."""

    def __init__(self, context: Any, counter: dict[str, int]) -> None:
        super().__init__(context, ignore=True)
        self.counter = counter

    def handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            side = "sent_bytes" if event.connection == self.context.client else "received_bytes"
            self.counter[side] = self.counter.get(side, 0) + len(event.data)
        yield from super().handle_event(event)


class Closed(layer.Layer):
    """Closes the client's connection whatever it says."""

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


def dial(server: connection.Server, address: tuple[str, int]) -> None:
    """Let `server` be dialled at a checked IP address; `dialled` puts the name back, or no later request could reuse it."""
    server.address = address


def dialled(server: connection.Server, name: tuple[str, int]) -> None:
    object.__setattr__(server, "address", name)  # Server.__setattr__ refuses while open; reuse compares the name


def install() -> None:
    """mitmproxy looks these classes up by name in their modules; the only substitutions but for handler.py's, made once, at load."""
    http_layers.HttpStream = Stream  # type: ignore[misc] # see above
    http_layers.Http1Client = Http1Client  # type: ignore[attr-defined] # see above
    http_layers.Http1Server = Http1Server  # type: ignore[attr-defined] # see above
    http_layers.Http2Server = Http2Server  # type: ignore[attr-defined] # see above
    http_layers.Http2Client = Http2Client  # type: ignore[attr-defined] # see above
    http.RequestData = RequestData  # type: ignore[misc] # see above
    http.ResponseData = ResponseData  # type: ignore[misc] # see above
