"""HTTP by hand, for what no SDK does: names that disagree, bodies that lie, bytes that are no HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


def basic(token: str) -> str:
    return "Basic " + b64encode(f"affidavit:{token}".encode()).decode()


def head(method: str, path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    return f"{method} {path} HTTP/1.1\r\n{''.join(f'{k}: {v}\r\n' for k, v in headers)}\r\n".encode()


def chunked(body: bytes, size: int = 8192) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def answer(sock: socket.socket) -> Answer:
    with http.client.HTTPResponse(sock) as response:
        response.begin()
        try:
            body = response.read()
        except http.client.IncompleteRead as cut:
            body = cut.partial
        return Answer(response.status, response.reason, {k.lower(): v for k, v in response.getheaders()}, body)


def to(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)


def connect(port: int, target: str, credential: str = "") -> tuple[socket.socket, Answer]:
    """A CONNECT and what it was answered; the socket is the caller's to close."""
    sock = to(port)
    try:
        headers = [("host", target)] + ([("proxy-authorization", credential)] if credential else [])
        sock.sendall(head("CONNECT", target, headers))
        received = b""
        while b"\r\n\r\n" not in received and (data := sock.recv(4096)):
            received += data
        _, status, *reason = received.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        return sock, Answer(int(status), " ".join(reason), {}, b"")
    except BaseException:
        sock.close()
        raise


def secured(sock: socket.socket, bundle: str, sni: str) -> ssl.SSLSocket:
    return ssl.create_default_context(cafile=bundle).wrap_socket(sock, server_hostname=sni)


def unchecked(sock: socket.socket, sni: str | None) -> ssl.SSLSocket:
    """For a handshake with another name than the certificate's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with sock:  # which wrap_socket takes over; closed here if the handshake fails
        return context.wrap_socket(sock, server_hostname=sni)
