"""A provider that answers with what it was told to: any bytes, in any framing, in pieces, or messages of a WebSocket. Loopback only; for
reports and tests that plant values in replies.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

ASKED = "x-canned"  # the request header that names the reply
WEBSOCKET = (
    "websocket"  # as a reply's content type: a line a message, told when the client's first has come; then it closes
)


@dataclass(frozen=True, slots=True)
class Canned:
    content_type: str
    body: bytes = field(repr=False)
    pieces: int = 1  # how many chunks it comes in; 0: with a content-length, at once
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class CannedProvider:
    """`replies` by the name that a request asks for. `seen`: what arrived, by that name: head and body."""

    port: int
    replies: dict[str, Canned] = field(default_factory=dict)
    seen: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)


@contextmanager
def running() -> Iterator[CannedProvider]:
    provider = CannedProvider(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            name = self.headers.get(ASKED, "")
            provider.seen[name] = f"{self.path}\n{self.headers}", body
            reply = provider.replies.get(name) or Canned("application/json", b'{"canned":true}', 0)
            if reply.content_type == WEBSOCKET:
                self._converse(reply.body)
                return
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            for field_name, value in reply.headers:
                self.send_header(field_name, value)
            if reply.pieces == 0:
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                return
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            size = max(1, -(-len(reply.body) // reply.pieces))
            for at in range(0, len(reply.body), size):
                piece = reply.body[at : at + size]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        def _converse(self, told: bytes) -> None:
            self.close_connection = True
            ws = WSConnection(ConnectionType.SERVER)
            ws.receive_data(
                f"GET {self.path} HTTP/1.1\r\n{self.headers}".replace("\r\n", "\n").replace("\n", "\r\n").encode()
            )
            for event in ws.events():
                if isinstance(event, Request):
                    self.wfile.write(ws.send(AcceptConnection()))
            while data := self.connection.recv(1 << 16):
                ws.receive_data(data)
                for event in ws.events():
                    if isinstance(event, TextMessage) and event.message_finished:
                        said = [TextMessage(data=line.decode()) for line in told.splitlines()]
                        self.wfile.write(b"".join(map(ws.send, (*said, CloseConnection(code=1000)))))
                    elif isinstance(event, CloseConnection):
                        return

        do_GET = do_PUT = do_POST  # noqa: N815 -- the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
