"""WebSocket through the gateway: messages pass both ways, each is on disk and masked before it goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    RejectConnection,
    Request,
    TextMessage,
)

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench

CARD = "4539 1488 0343 6467"


def serve_one(listening: socket.socket, seen: list[str]) -> None:
    """Accepts one WebSocket and answers each text with `echo: ` before it."""
    sock, _ = listening.accept()
    with sock:
        ws = WSConnection(ConnectionType.SERVER)
        while data := sock.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    sock.sendall(ws.send(AcceptConnection()))
                elif isinstance(event, TextMessage):
                    seen.append(event.data)
                    sock.sendall(ws.send(TextMessage(data=f"echo: {event.data}")))
                elif isinstance(event, CloseConnection):
                    sock.sendall(ws.send(event.response()))
                    return


@contextmanager
def websocket_server() -> Iterator[tuple[int, list[str]]]:
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve_one, args=(listening, seen), daemon=True)
        thread.start()
        yield listening.getsockname()[1], seen
        thread.join(10)


class Client:
    def __init__(self, made: Bench, token: str) -> None:
        self.sock = raw.to(made.gateway.base_url_port)
        self.ws = WSConnection(ConnectionType.CLIENT)
        headers = [(b"authorization", f"Bearer {token}".encode())]
        self.sock.sendall(
            self.ws.send(Request(host="gateway", target="/down/v1/realtime?model=gpt-realtime", extra_headers=headers))
        )
        self.opening = self.next()

    def next(self) -> object:
        while True:
            for event in self.ws.events():
                return event
            data = self.sock.recv(65536)
            self.ws.receive_data(data or None)

    def say(self, message: Message) -> object:
        self.sock.sendall(self.ws.send(message))
        return self.next()

    def close(self) -> None:
        self.sock.sendall(self.ws.send(CloseConnection(code=1000)))
        self.next()
        self.sock.close()


def test_messages_pass_both_ways_and_are_recorded_masked(make_bench) -> None:
    with websocket_server() as (port, seen), make_bench(down_port=port) as made:
        client = Client(made, made.tokens["alice"])

        answer = client.say(TextMessage(data=f'{{"type":"response.create","card":"{CARD}"}}'))
        client.close()

        exchange = made.closed_exchange(0)
        messages = made.messages(exchange["id"])
        assert isinstance(client.opening, AcceptConnection)
        assert CARD in answer.data
        assert CARD in seen[0]
        assert exchange["outcome"] == "completed"
        assert [row["role"] for row in messages][-2:] == ["user", "assistant"]
        assert "[CREDIT_CARD:" in messages[-1]["content"]
        assert CARD not in str(messages)


def test_a_websocket_without_a_token_is_not_opened(make_bench) -> None:
    with make_bench() as made:
        client = Client(made, "afd_" + "x" * 43)

        client.sock.close()
        assert isinstance(client.opening, RejectConnection)
        assert client.opening.status_code == 401


@pytest.mark.parametrize("size", [1, 70_000])
def test_binary_messages_are_recorded_as_a_digest(make_bench, size: int) -> None:
    with websocket_server() as (port, _), make_bench(down_port=port) as made:
        client = Client(made, made.tokens["alice"])
        client.sock.sendall(client.ws.send(BytesMessage(data=b"\x00" * size)))
        client.say(TextMessage(data="then text"))
        client.close()

        contents = [row["content"] for row in made.messages(made.closed_exchange(0)["id"])]
        assert any(f"{size} bytes, hmac-sha256:" in content for content in contents)
