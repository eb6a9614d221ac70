"""A small HTTP or HTTPS server in a thread, on a port of its own, for as long as a test needs it. Not a provider: scripts/local_provider.py is one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scripts.local_certificate import tls_context


class Quiet(BaseHTTPRequestHandler):
    """Nothing on stderr."""

    def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler], pem: Path | None = None) -> Iterator[str]:
    """Its URL, without a path; https where there is a certificate with its key."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if pem:
        server.socket = tls_context(pem).wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield f"{'https' if pem else 'http'}://127.0.0.1:{server.server_port}"
