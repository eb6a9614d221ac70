"""What passes is what was sent, both ways: bodies, headers, trailers, statuses, and the ways of framing them. HTTP/1.1, spelled byte by byte."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench
from tests.quick import quick

SAID = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}  # fmt: skip
REPLY = json.dumps(SAID).encode()
ASKED = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'
STREAM = b'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@dataclass
class Upstream:
    """Answers each connection with the same bytes, and keeps what it was sent."""

    reply: bytes
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            with sock:
                self.requests.append(whole_request(sock))
                sock.sendall(self.reply)

    @property
    def request(self) -> bytes:
        (only,) = self.requests
        return only


def whole_request(sock: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received and (data := sock.recv(65536)):
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if b"transfer-encoding" in lines:
        while b"\r\n0\r\n" not in b"\r\n" + body or not body.endswith(b"\r\n\r\n"):
            body += sock.recv(65536)
    while len(body) < int(lines.get(b"content-length", 0)):
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def upstream(reply: bytes) -> Iterator[Upstream]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Upstream(reply, listening.getsockname()[1])
        threading.Thread(target=made.serve, args=(listening,), daemon=True).start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)


def exchange(made: Bench, sent: bytes, *, until_close: bool = True) -> bytes:
    """One request at the base_url door, and all that comes back."""
    with raw.to(made.gateway.base_url_port) as sock:
        sock.sendall(sent)
        received = b""
        while data := sock.recv(65536):
            received += data
            if not until_close:
                break
    return received


def asking(made: Bench, *headers: str, method: str = "POST", body: bytes = ASKED) -> bytes:
    lines = [
        f"{method} /down/v1/chat/completions HTTP/1.1", "Host: gateway", "Connection: close",
        f"Authorization: Bearer {made.tokens['alice']}", "X-Custom: One", "X-Custom: two", *headers,
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode() + body


def with_length(*headers: str, body: bytes = REPLY, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


def length(body: bytes = ASKED) -> str:
    return f"Content-Length: {len(body)}"


def dechunked(framed: bytes) -> bytes:
    body = b""
    while (size := int(framed.split(b"\r\n", 1)[0], 16)) and (framed := framed.split(b"\r\n", 1)[1]):
        body += framed[:size]
        framed = framed[size + 2 :]
    return body


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n%x\r\n%b\r\n0\r\nX-Sum: 7\r\nX-Other: eight\r\n\r\n"


@pytest.mark.parametrize(("kind", "body"), quick(1, [(b"text/event-stream", STREAM), (b"application/json", REPLY)]))
def test_a_replys_trailers_arrive_and_the_reply_is_recorded(make_bench, kind: bytes, body: bytes) -> None:
    with upstream(CHUNKED % (kind, len(body), body)) as far, make_bench(down_port=far.port) as made:
        received = exchange(made, asking(made, length()))

        exchange_row = made.closed_exchange(0)
        assert dechunked(received.partition(b"\r\n\r\n")[2]) == body
        assert received.endswith(b"0\r\nX-Sum: 7\r\nX-Other: eight\r\n\r\n")
        assert exchange_row["outcome"] == "completed"
        assert made.messages(exchange_row["id"])[-1]["content"] == "hello"


def test_a_requests_trailers_arrive_and_are_recorded(make_bench) -> None:
    sent = b"%x\r\n%b\r\n0\r\nX-Checked: yes\r\n\r\n" % (len(ASKED), ASKED)
    with upstream(with_length("Content-Type: application/json")) as far, make_bench(down_port=far.port) as made:
        exchange(made, asking(made, "Transfer-Encoding: chunked", body=sent))

        made.closed_exchange(0)
        (payload,) = made.rows(
            "SELECT p.request FROM payloads p JOIN events e ON e.seq = p.seq WHERE e.type = 'exchange.opened'"
        )
        assert far.request.endswith(b"0\r\nX-Checked: yes\r\n\r\n")
        assert ["trailer:X-Checked", "yes"] in json.loads(payload["request"])["headers"]


def test_a_chunked_upload_arrives_with_its_body_and_headers_as_they_were(make_bench) -> None:
    with upstream(with_length("Content-Type: application/json")) as far, make_bench(down_port=far.port) as made:
        exchange(made, asking(made, "Transfer-Encoding: chunked", body=raw.chunked(ASKED, 7)))

        head, _, body = far.request.partition(b"\r\n\r\n")
        assert head.split(b"\r\n")[0] == b"POST /v1/chat/completions HTTP/1.1"
        assert head.count(b"X-Custom: One\r\nX-Custom: two") == 1
        assert body == b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASKED), ASKED)


def test_a_client_that_expects_100_is_told_to_go_on_and_upstream_is_not_asked(make_bench) -> None:
    with upstream(with_length("Content-Type: application/json")) as far, make_bench(down_port=far.port) as made:
        with raw.to(made.gateway.base_url_port) as sock:
            sock.sendall(asking(made, length(), "Expect: 100-continue", body=b""))
            told = sock.recv(65536)
            sock.sendall(ASKED)
            answered = b""
            while data := sock.recv(65536):
                answered += data

        assert told.startswith(b"HTTP/1.1 100")
        assert answered.endswith(REPLY)
        assert b"expect" not in far.request.lower()


BODILESS = {
    "head": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nX-Kept: yes\r\n\r\n"),
    "204": ("POST", b"HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n"),
    "304": ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nX-Kept: yes\r\n\r\n'),
}


@pytest.mark.parametrize(("method", "reply"), quick(1, BODILESS.values()), ids=BODILESS)
def test_a_reply_without_a_body_arrives_as_it_is(make_bench, method: str, reply: bytes) -> None:
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        body = ASKED if method == "POST" else b""
        received = exchange(made, asking(made, *([length()] if body else []), method=method, body=body))

        assert received == reply
        assert made.closed_exchange(0)["http_status"] == int(reply.split()[1])


def test_a_redirect_reaches_the_client_and_is_not_followed(make_bench) -> None:
    reply = with_length("Location: https://elsewhere.example/v1", body=b"", status="307 Temporary Redirect")
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        assert exchange(made, asking(made, length())) == reply
        assert len(far.requests) == 1


@pytest.mark.parametrize(("kind", "body"), quick(1, [("text/event-stream", STREAM), ("application/json", REPLY)]))
def test_a_compressed_reply_passes_as_it_is_and_is_read(make_bench, kind: str, body: bytes) -> None:
    packed = gzip.compress(body)
    reply = with_length(f"Content-Type: {kind}", "Content-Encoding: gzip", body=packed)
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        assert exchange(made, asking(made, length())) == reply
        assert made.messages(made.closed_exchange(0)["id"])[-1]["content"] == "hello"


def test_early_hints_are_swallowed_and_the_reply_follows(make_bench) -> None:
    reply = with_length("Content-Type: application/json")
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    with upstream(hints + reply) as far, make_bench(down_port=far.port) as made:
        assert exchange(made, asking(made, length())) == reply


def test_a_reply_that_ends_with_the_connection_arrives_whole(make_bench) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + REPLY
    with upstream(reply) as far, make_bench(down_port=far.port) as made:
        assert exchange(made, asking(made, length())) == reply
        assert made.messages(made.closed_exchange(0)["id"])[-1]["content"] == "hello"
