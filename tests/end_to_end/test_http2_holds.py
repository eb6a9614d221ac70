"""Holds over HTTP/2: one stream is reset while it waits, and its connection lives on."""

from __future__ import annotations

import json
import ssl

import h2.config
import h2.connection
import h2.events

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench


class Http2:
    """A client of one connection through the proxy door."""

    def __init__(self, made: Bench) -> None:
        sock, connected = raw.connect(made.gateway.proxy_port, "api.openai.com:443", raw.basic(made.tokens["alice"]))
        assert connected.status == 200
        context = ssl.create_default_context(cafile=str(made.gateway.bundle))
        context.set_alpn_protocols(["h2"])
        self.sock = context.wrap_socket(sock, server_hostname="api.openai.com")
        assert self.sock.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def ask(self, model: str, prompt: str) -> int:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]}).encode()
        stream = self.h2.get_next_available_stream_id()
        pseudo = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "api.openai.com"),
            (":path", "/v1/chat/completions"),
        ]
        self.h2.send_headers(
            stream, [*pseudo, ("content-type", "application/json"), ("content-length", str(len(body)))]
        )
        self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def answer(self, stream: int) -> tuple[str, bytes]:
        status, body = "", b""
        while True:
            for event in self.h2.receive_data(self.sock.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived) and event.stream_id == stream:
                    status = dict(event.headers)[":status"]
                if isinstance(event, h2.events.DataReceived) and event.stream_id == stream:
                    body += event.data
                if isinstance(event, h2.events.StreamEnded) and event.stream_id == stream:
                    return status, body
            self.flush()


def test_a_stream_that_is_reset_during_its_hold_is_never_sent_and_its_connection_lives_on(make_bench) -> None:
    with make_bench("--set", "http2=true") as made:
        client, before = Http2(made), made.last_seq()
        held = client.ask("gpt-held", "say: held")
        approval = made.approval_in_waiting()

        client.h2.reset_stream(held)
        client.flush()
        row = made.closed_exchange(before)
        made.decide("approve", approval["id"])
        other = client.answer(client.ask("gpt-4o-mini", "say: alive"))
        client.sock.close()

    assert (row["outcome"], row["error"]) == ("aborted", "client_left")
    assert other[0] == "200"
    assert b"alive" in other[1]
    assert made.provider.count == 1


def test_a_held_call_over_http2_goes_on_once_it_is_approved(make_bench) -> None:
    with make_bench("--set", "http2=true") as made:
        client = Http2(made)
        held = client.ask("gpt-held", "say: approved over http2")
        made.decide("approve", made.approval_in_waiting()["id"])

        status, body = client.answer(held)
        client.sock.close()

    assert status == "200"
    assert b"approved over http2" in body
