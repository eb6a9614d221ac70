"""A client and a provider that speak HTTP/1.1 and HTTP/2 by hand (h11 and h2 frame it), with all that an exchange may hold. They decide nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h11

from scripts.local_certificate import tls_context

Pairs = list[tuple[str, str]]


@dataclass
class Sent:
    """A request or a reply. interim: statuses told before a reply's own. pieces: how its body is framed; None: with its length."""

    start: str  # "POST /path", or a status
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    trailers: Pairs = field(default_factory=list)
    interim: list[int] = field(default_factory=list)
    pieces: int | None = None

    @property
    def bodies(self) -> list[bytes]:
        size = self.pieces or len(self.body) or 1
        return [self.body[at : at + size] for at in range(0, len(self.body), size)]

    def said(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


def _plain(pairs: object) -> Pairs:
    return [(_text(name), _text(value)) for name, value in pairs]  # type: ignore[attr-defined]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else str(value)


# -- HTTP/1.1 --------------------------------------------------------------------------------------------------------------


def _framing(message: Sent, *, has_body: bool) -> Pairs:
    if any(name.lower() == "content-length" for name, _ in message.headers) or not has_body:
        return []
    chunked = message.pieces is not None or message.trailers
    return [("transfer-encoding", "chunked")] if chunked else [("content-length", str(len(message.body)))]


def _heard1(link: h11.Connection, sock: socket.socket) -> Sent:
    found = Sent("")
    while True:
        event = link.next_event()
        if event is h11.NEED_DATA:
            if link.they_are_waiting_for_100_continue:
                sock.sendall(link.send(h11.InformationalResponse(status_code=100, headers=[])))
            link.receive_data(sock.recv(65536))
        elif isinstance(event, h11.InformationalResponse):
            found.interim.append(event.status_code)
        elif isinstance(event, h11.Request):
            found.start, found.headers = f"{_text(event.method)} {_text(event.target)}", _plain(event.headers)
        elif isinstance(event, h11.Response):
            found.start, found.headers = str(event.status_code), _plain(event.headers)
        elif isinstance(event, h11.Data):
            found.body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            found.trailers = _plain(event.headers)
            return found
        else:
            return found


def ask1(sock: socket.socket, request: Sent, host: str) -> Sent:
    method, _, path = request.start.partition(" ")
    link = h11.Connection(h11.CLIENT)
    headers = [
        ("host", host),
        ("connection", "close"),
        *request.headers,
        *_framing(request, has_body=bool(request.body)),
    ]
    sock.sendall(link.send(h11.Request(method=method, target=path, headers=headers)))
    waits = any(name.lower() == "expect" for name, _ in request.headers)
    told: list[int] = []
    while waits:
        link.receive_data(sock.recv(65536))
        if isinstance(event := link.next_event(), h11.InformationalResponse):
            told.append(event.status_code)
            waits = False
    for piece in request.bodies:
        sock.sendall(link.send(h11.Data(data=piece)))
    sock.sendall(link.send(h11.EndOfMessage(headers=request.trailers)))
    answer = _heard1(link, sock)
    answer.interim = [*told, *answer.interim]
    return answer


def _answer1(sock: socket.socket, reply: Sent) -> Sent:
    link = h11.Connection(h11.SERVER)
    request = _heard1(link, sock)
    for status in reply.interim:
        sock.sendall(link.send(h11.InformationalResponse(status_code=status, headers=[("link", "</a>")])))
    has_body = request.start.split()[0] != "HEAD" and reply.start not in ("204", "304")
    headers = [*reply.headers, *_framing(reply, has_body=has_body)]
    sock.sendall(link.send(h11.Response(status_code=int(reply.start), headers=headers)))
    for piece in reply.bodies if has_body else ():
        sock.sendall(link.send(h11.Data(data=piece)))
    sock.sendall(link.send(h11.EndOfMessage(headers=reply.trailers)))
    return request


# -- HTTP/2 ----------------------------------------------------------------------------------------------------------------


def _opened2(sock: socket.socket, *, client: bool) -> h2.connection.H2Connection:
    checks = not client  # a client may send what no client should
    config = h2.config.H2Configuration(
        client_side=client, header_encoding="utf-8", validate_outbound_headers=checks, normalize_outbound_headers=checks
    )
    link = h2.connection.H2Connection(config)
    link.initiate_connection()
    sock.sendall(link.data_to_send())
    return link


def _heard2(link: h2.connection.H2Connection, sock: socket.socket) -> tuple[int, Sent]:
    found, stream = Sent(""), 1
    while data := sock.recv(65536):
        for event in link.receive_data(data):
            if isinstance(event, (h2.events.RequestReceived, h2.events.ResponseReceived)):
                said = dict(_plain(event.headers))
                found.headers, stream = [pair for pair in _plain(event.headers) if pair[0][0] != ":"], event.stream_id
                found.start = said.get(":status") or f"{said[':method']} {said[':path']}"
            elif isinstance(event, h2.events.InformationalResponseReceived):
                found.interim.append(int(dict(_plain(event.headers))[":status"]))
            elif isinstance(event, h2.events.DataReceived):
                found.body += event.data
                link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.TrailersReceived):
                found.trailers = _plain(event.headers)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                found.start = found.start or "reset"
                return stream, found
            elif isinstance(event, h2.events.StreamEnded):
                sock.sendall(link.data_to_send())
                return stream, found
        with suppress(OSError):
            sock.sendall(link.data_to_send())
    return stream, found


def _send2(link: h2.connection.H2Connection, sock: socket.socket, stream: int, head: Pairs, message: Sent, *, has_body: bool) -> None:  # fmt: skip
    bodies = message.bodies if has_body else []
    link.send_headers(stream, head, end_stream=not bodies and not message.trailers)
    for number, piece in enumerate(bodies, 1):
        link.send_data(stream, piece, end_stream=number == len(bodies) and not message.trailers)
    if message.trailers:
        link.send_headers(stream, message.trailers, end_stream=True)
    sock.sendall(link.data_to_send())


def ask2(sock: socket.socket, request: Sent, host: str) -> Sent:
    method, _, path = request.start.partition(" ")
    link = _opened2(sock, client=True)
    head = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path), *request.headers]
    _send2(link, sock, 1, head, request, has_body=True)
    return _heard2(link, sock)[1]


def _answer2(sock: socket.socket, reply: Sent) -> Sent:
    link = _opened2(sock, client=False)
    stream, request = _heard2(link, sock)
    for status in reply.interim:
        link.send_headers(stream, [(":status", str(status)), ("link", "</a>")])
    has_body = request.start.split()[0] != "HEAD" and reply.start not in ("204", "304")
    _send2(link, sock, stream, [(":status", reply.start), *reply.headers], reply, has_body=has_body)
    return request


# -- both ------------------------------------------------------------------------------------------------------------------


@dataclass
class Provider:
    """Answers each connection's one request with the same reply, over TLS, in the protocols it is told to offer."""

    reply: Sent
    offers: list[str]
    pem: Path
    port: int = 0
    requests: list[Sent] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)

    def serve(self, listening: socket.socket) -> None:
        context = tls_context(self.pem)
        context.set_alpn_protocols(self.offers)
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(plain, context), daemon=True).start()

    def _answer(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        with suppress(OSError, ssl.SSLError), context.wrap_socket(plain, server_side=True) as sock:
            protocol = sock.selected_alpn_protocol() or "http/1.1"
            answer = _answer2 if protocol == "h2" else _answer1
            request = answer(sock, self.reply)
            self.requests.append(request)
            self.spoken.append(protocol)
            if protocol == "h2":
                while sock.recv(65536):  # until the gateway has read all and leaves
                    pass


@contextmanager
def provider(reply: Sent, offers: list[str], pem: Path) -> Iterator[Provider]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Provider(reply, offers, pem, listening.getsockname()[1])
        threading.Thread(target=made.serve, args=(listening,), daemon=True).start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)
