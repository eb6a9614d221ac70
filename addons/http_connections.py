"""One connection of HTTP, as it is read and written: our subclasses of mitmproxy's. Not the exchange on it (layers.py).

What they add to 12.2.3 (proxy/layers/http/_http1.py, _http2.py): trailers of HTTP/1 messages, informational heads, chunks where an HTTP/2 body
comes without a length, head and body in one record, and word of what is no request at all. Internal API: mitmproxy is pinned to one minor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import h11
from h11._readers import ChunkedReader
from mitmproxy import connection, http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http import _base as http_base
from mitmproxy.proxy.layers.http import _events as http_events
from mitmproxy.proxy.layers.http import _http1, _http2


@dataclass
class Malformed:
    """Bytes of a client that are no request which two readers would read alike. Answered with 400 and closed by mitmproxy, before any hook."""

    client: connection.Client


@dataclass
class MalformedHook(commands.StartHook):
    """mitmproxy hook `malformed(what)`."""

    what: Malformed


@dataclass
class Whole(http_base.HttpEvent):
    """Head and body, on their way to a connection."""

    head: http_events.RequestHeaders | http_events.ResponseHeaders
    body: http_events.RequestData | http_events.ResponseData


class _Chunks:
    """h11's reader of a chunked body; its trailers are kept here, where mitmproxy would stop at them."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.trailers: http.Headers | None = None

    def __call__(self, buffer: Any) -> Any:
        event = self.reader(buffer)
        if isinstance(event, h11.EndOfMessage) and event.headers:
            self.trailers = http.Headers(event.headers.raw_items())
            return h11.EndOfMessage()
        return event

    def read_eof(self) -> Any:
        return self.reader.read_eof()


class _WithTrailers(_http1.Http1Connection):
    """RFC 9112 7.1.2. What comes between the last chunk and the end goes on in the same place, or is dropped where there is no chunk."""

    ReceiveTrailers: type[http_events.RequestTrailers | http_events.ResponseTrailers]
    _trailers: http.Headers | None = None

    def read_body(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(self.body_reader, ChunkedReader):
            self.body_reader = _Chunks(self.body_reader)  # type: ignore[assignment] # called as the other is
        chunks: object = self.body_reader
        if not isinstance(chunks, _Chunks):
            yield from super().read_body(event)
            return
        for command in super().read_body(event):
            if chunks.trailers and isinstance(command, http_base.ReceiveHttp) and isinstance(command.event, _ENDS):
                trailers, chunks.trailers = chunks.trailers, None
                yield http_base.ReceiveHttp(self.ReceiveTrailers(command.event.stream_id, trailers))
            yield command

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, Whole):
            data = b""
            for command in (*self.send(event.head), *self.send(event.body)):
                assert isinstance(command, commands.SendData)
                data += command.data
            yield commands.SendData(self.conn, data)
        else:
            yield from super()._handle_event(event)

    def send(self, event: http_events.HttpEvent) -> CommandGenerator[None]:
        if isinstance(event, (http_events.RequestTrailers, http_events.ResponseTrailers)):
            self._trailers = event.trailers
            return
        if self._trailers is None:
            yield from super().send(event)
            return
        for command in super().send(event):
            if isinstance(command, commands.SendData) and command.data == LAST_CHUNK:
                command.data = b"0\r\n%b\r\n" % bytes(self._trailers)
            yield command
        self._trailers = None


LAST_CHUNK = b"0\r\n\r\n"
_ENDS = (http_events.RequestEndOfMessage, http_events.ResponseEndOfMessage)


def _apart(event: events.Event) -> tuple[events.Event, ...]:
    """HTTP/2 has a frame for each."""
    return (event.head, event.body) if isinstance(event, Whole) else (lowered(event),)


def lowered(event: events.Event) -> events.Event:
    """Trailers' names as HTTP/2 has them (RFC 9113 8.2.1): those of an HTTP/1 message come as they were spelled."""
    if isinstance(event, (http_events.RequestTrailers, http_events.ResponseTrailers)):
        event.trailers = http.Headers([(name.lower(), value) for name, value in event.trailers.fields])
    return event


class Http2Server(_http2.Http2Server):
    """The client's side of HTTP/2."""

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        for part in _apart(event):
            yield from super()._handle_event(part)


class Http2Client(_http2.Http2Client):
    """Upstream's side of HTTP/2."""

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        for part in _apart(event):
            yield from super()._handle_event(part)


class Http1Server(_WithTrailers, _http1.Http1Server):
    """The client's side of HTTP/1."""

    ReceiveTrailers = http_events.RequestTrailers

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        """mitmproxy only logs what it cannot read as a request at all."""
        malformed = False
        for command in super().read_headers(event):
            malformed = malformed or isinstance(command, commands.Log)
            yield command
        if malformed:
            yield MalformedHook(Malformed(self.context.client))


class Http1Client(_WithTrailers, _http1.Http1Client):
    """Upstream's side of HTTP/1. Takes informational heads (102, 103 …) for what they are, not for the reply."""

    ReceiveTrailers = http_events.ResponseTrailers

    def send(self, event: http_events.HttpEvent) -> CommandGenerator[None]:
        """RFC 9112 6.1: bytes after a head that announces none would be taken for the next request."""
        if isinstance(event, http_events.RequestHeaders) and event.request.is_http2 and not event.end_stream:
            request = event.request.copy()
            if "content-length" not in request.headers:
                request.headers["Transfer-Encoding"] = "chunked"
            event = replace(event, request=request)
        yield from super().send(event)

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        if isinstance(event, events.DataReceived) and self.request:
            while INFORMATIONAL.match(bytes(self.buf)) and self.buf.maybe_extract_lines():
                pass
        yield from super().read_headers(event)


INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}[^\r\n]*\r?\n")


class RequestData(http.RequestData):
    """A request's fields, as mitmproxy's own parser made them: it looks at the type of each again, for 30 us a message."""

    def __post_init__(self) -> None: ...


class ResponseData(http.ResponseData):
    """A response's fields, likewise."""

    def __post_init__(self) -> None: ...
