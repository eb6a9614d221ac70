"""One request over HTTP/2 by hand, through the proxy door. `h2` frames it; nothing here decides what is right."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench

Pairs = list[tuple[str, str]]


@dataclass
class Answer2:
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    trailers: Pairs = field(default_factory=list)
    data_frames: int = 0
    reset: bool = False

    @property
    def status(self) -> int:
        return int(dict(self.headers)[":status"])


def connected(made: Bench, host: str, token: str) -> ssl.SSLSocket:
    sock, answered = raw.connect(made.gateway.proxy_port, f"{host}:443", raw.basic(token) if token else "")
    assert answered.status == 200
    context = ssl.create_default_context(cafile=str(made.gateway.bundle))
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(sock, server_hostname=host)


def ask(
    made: Bench, host: str, path: str, body: bytes = b"", *, method: str = "POST", headers: Pairs | None = None,
    trailers: Pairs | None = None, who: str = "alice",
) -> Answer2:  # fmt: skip
    answer = Answer2()
    with connected(made, host, made.tokens.get(who, "")) as sock:
        assert sock.selected_alpn_protocol() == "h2"
        link = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        link.initiate_connection()
        fields = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path), *(headers or [])]
        link.send_headers(1, fields, end_stream=not body)
        if body:
            link.send_data(1, body, end_stream=not trailers)
        if trailers:
            link.send_headers(1, trailers, end_stream=True)
        sock.sendall(link.data_to_send())
        ended = False
        while not ended and (data := sock.recv(65536)):
            for event in link.receive_data(data):
                ended = taken(answer, link, event) or ended
            sock.sendall(link.data_to_send())
    return answer


def taken(answer: Answer2, link: h2.connection.H2Connection, event: h2.events.Event) -> bool:
    """True at the stream's end."""
    if isinstance(event, h2.events.ResponseReceived):
        answer.headers = list(event.headers)
    elif isinstance(event, h2.events.DataReceived):
        answer.body += event.data
        answer.data_frames += bool(event.data)
        link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, h2.events.TrailersReceived):
        answer.trailers = list(event.headers)
    answer.reset = answer.reset or isinstance(event, h2.events.StreamReset)
    return isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated))
