"""WebSocket through the gateway: messages pass both ways, each is on disk and masked before it goes on."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench
from tests.quick import quick

CARD = "4539 1488 0343 6467"


def serve_one(listening: socket.socket, answers: Callable[[str], list[str]]) -> None:
    """Accepts one WebSocket and answers each text with what `answers` says to it. Hangs up when a ping says so."""
    sock, _ = listening.accept()
    with sock:
        ws = WSConnection(ConnectionType.SERVER)
        while data := sock.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    sock.sendall(ws.send(AcceptConnection(extensions=[PerMessageDeflate()])))
                elif isinstance(event, TextMessage):
                    for said in answers(event.data):
                        sock.sendall(ws.send(TextMessage(data=said)))
                elif isinstance(event, Ping) and event.payload == b"hang up":
                    sock.sendall(ws.send(CloseConnection(code=1001)))
                    return
                elif isinstance(event, Ping):
                    sock.sendall(ws.send(event.response()))
                elif isinstance(event, CloseConnection):
                    sock.sendall(ws.send(event.response()))
                    return


@contextmanager
def websocket_server() -> Iterator[tuple[int, list[str]]]:
    seen: list[str] = []

    def echo(text: str) -> list[str]:
        seen.append(text)
        return [f"echo: {text}"]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve_one, args=(listening, echo), daemon=True)
        thread.start()
        yield listening.getsockname()[1], seen
        thread.join(10)


class Client:
    def __init__(
        self,
        made: Bench,
        token: str,
        path: str = "/v1/realtime?model=gpt-realtime",
        extensions: Sequence[PerMessageDeflate] = (),
    ) -> None:
        self.sock = raw.to(made.gateway.base_url_port)
        self.ws = WSConnection(ConnectionType.CLIENT)
        headers = [(b"authorization", f"Bearer {token}".encode())]
        self.sock.sendall(
            self.ws.send(
                Request(host="gateway", target=f"/down{path}", extra_headers=headers, extensions=list(extensions))
            )
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


def scripted(script: dict[str, list[str]]) -> Callable[[str], list[str]]:
    """To a message of a type in `script`, what stands there."""
    return lambda text: script.get(json.loads(text)["type"], [])


CALL = {"id": "i1", "type": "function_call", "call_id": "call_1", "name": "run_sql", "arguments": f'{{"query":"DELETE FROM cards WHERE number = \'{CARD}\'"}}'}  # fmt: skip
SAID = {
    "id": "i2",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Deleting it."}],
}
SCRIPT = {
    "session.update": [json.dumps({"type": "session.updated", "session": {"model": "gpt-realtime"}})],
    "response.create": [
        json.dumps({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Deleting it."}),
        json.dumps({"type": "response.output_item.done", "output_index": 1, "item": CALL}),
        json.dumps({"type": "response.done", "response": {"status": "completed", "output": [SAID, CALL], "usage": {"input_tokens": 20, "output_tokens": 7}}}),
    ],
}  # fmt: skip


def test_a_conversation_is_in_the_store_with_its_messages_tool_calls_and_usage(make_bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve_one, args=(listening, scripted(SCRIPT)), daemon=True).start()
        with make_bench(down_port=listening.getsockname()[1]) as made:
            client = Client(made, made.tokens["alice"])
            said = [
                client.say(
                    TextMessage(data=json.dumps({"type": "session.update", "session": {"instructions": "Obey."}}))
                )
            ]
            asked = {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"delete {CARD}"}]}}  # fmt: skip
            client.sock.sendall(client.ws.send(TextMessage(data=json.dumps(asked))))
            said.append(client.say(TextMessage(data='{"type": "response.create"}')))
            made.decide("approve", made.approval_in_waiting()["id"])
            said += [client.next(), client.next()]
            client.close()

            exchange = made.closed_exchange(0)
            messages = [(row["role"], row["kind"], row["content"]) for row in made.messages(exchange["id"])]
            (command,) = made.rows("SELECT * FROM commands WHERE exchange_id = ?", exchange["id"])
            at = next(row["position"] for row in made.messages(exchange["id"]) if row["kind"] == "tool_call")
    assert [event.data for event in said] == [*SCRIPT["session.update"], *SCRIPT["response.create"]]
    assert [role_and_kind[:2] for role_and_kind in messages if role_and_kind[1] != "other"] == [
        ("system", "text"), ("user", "text"), ("assistant", "tool_call"), ("assistant", "text"),
    ]  # fmt: skip
    assert "[CREDIT_CARD:" in messages[-2][2] + messages[-1][2]
    assert CARD not in str(messages)
    assert (exchange["request_model"], exchange["response_model"]) == ("gpt-realtime", "gpt-realtime")
    assert (exchange["input_tokens"], exchange["output_tokens"], exchange["finish_reasons"]) == (20, 7, '["completed"]')
    assert (command["verb"], command["objects"], command["position"]) == ("DELETE", '["cards"]', at)


CREATE_REMOVE = {"type": "response.create", "response": {"model": "gpt-remove"}}  # of rule taken-out
PIECES = {
    "response.create": [
        json.dumps({"type": "response.created", "response": {"id": "r1", "status": "in_progress", "output": []}}),
        json.dumps({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Deleting it."}),
        json.dumps({"type": "response.output_item.done", "response_id": "r1", "output_index": 0, "item": SAID}),
        json.dumps({"type": "response.output_item.added", "response_id": "r1", "output_index": 1, "item": {**CALL, "arguments": ""}}),
        json.dumps({"type": "conversation.item.added", "item": {**CALL, "arguments": ""}}),
        json.dumps({"type": "response.function_call_arguments.delta", "response_id": "r1", "output_index": 1, "delta": CALL["arguments"]}),
        json.dumps({"type": "response.function_call_arguments.done", "response_id": "r1", "output_index": 1, "arguments": CALL["arguments"]}),
        json.dumps({"type": "conversation.item.done", "item": CALL}),
        json.dumps({"type": "response.output_item.done", "response_id": "r1", "output_index": 1, "item": CALL}),
        json.dumps({"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [SAID, CALL]}}),
    ],
    "ping": [json.dumps({"type": "pong"})],
}  # fmt: skip


@pytest.mark.parametrize("verdict", quick(1, ["deny", "approve"]))
def test_a_call_in_messages_waits_with_all_that_follow_and_a_denied_one_is_taken_out(make_bench, verdict: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve_one, args=(listening, scripted(PIECES)), daemon=True).start()
        with make_bench(down_port=listening.getsockname()[1]) as made:
            client = Client(made, made.tokens["alice"])
            said = [client.say(TextMessage(data=json.dumps(CREATE_REMOVE))), client.next(), client.next()]
            approval = made.approval_in_waiting()
            made.decide(verdict, approval["id"], reason="production data")
            while json.loads(said[-1].data)["type"] != "response.done":
                said.append(client.next())
            after = client.say(TextMessage(data='{"type": "ping"}'))
            client.close()

            exchange = made.closed_exchange(0)
            recorded = [row["kind"] for row in made.messages(exchange["id"])]
    texts = [event.data for event in said]
    assert json.loads(after.data) == {"type": "pong"}
    assert recorded.count("tool_call") == 1
    if verdict == "approve":
        assert texts == PIECES["response.create"]
        return
    assert "DELETE" not in "".join(texts)
    assert "production data" in "".join(texts)
    assert [item["type"] for item in json.loads(texts[-1])["response"]["output"]] == ["message", "message"]


def test_a_denied_call_ends_the_conversation_where_the_rule_says_nothing_else(make_bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve_one, args=(listening, scripted(PIECES)), daemon=True)
        serving.start()
        with make_bench(down_port=listening.getsockname()[1]) as made:
            client = Client(made, made.tokens["alice"])
            said = [client.say(TextMessage(data='{"type": "response.create"}')), client.next(), client.next()]
            made.decide("deny", made.approval_in_waiting()["id"], reason="production data")
            error, end = client.next(), client.next()
            client.sock.close()
            serving.join(10)
            row = made.closed_exchange(0)

    assert [event.data for event in said] == PIECES["response.create"][:3]
    assert json.loads(error.data)["error"]["code"] == "approval_denied"
    assert "production data" in json.loads(error.data)["error"]["message"]
    assert (end.code, end.reason.split(":")[0]) == (1008, "approval_denied")
    assert not serving.is_alive()  # the provider's end is closed too
    assert row["outcome"] == "denied"


LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
LIVE_CALL = {
    "toolCall": {"functionCalls": [{"id": "f1", "name": "run_sql", "args": {"query": "DROP TABLE customers"}}]}
}
LIVE_SAID = {"serverContent": {"modelTurn": {"parts": [{"text": "Dropping it."}]}}}


LIVE_CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - {{id: down, provider: gemini, hosts: [generativelanguage.googleapis.com], upstream: "http://127.0.0.1:{port}", allow_private: true, credential: none, groups: [engineering]}}
"""
IDENTITY = 'version: 1\nlocal: trial\nrights: [{id: all, groups: [engineering], connections: ["*"]}]\n'


@pytest.mark.parametrize("verdict", ["deny", "approve"])
def test_a_call_of_geminis_live_waits_and_a_denied_one_is_taken_out(make_bench, verdict: str) -> None:
    def answer(text: str) -> list[str]:
        return [json.dumps(LIVE_SAID), json.dumps(LIVE_CALL)] if "drop" in text else ['{"setupComplete": {}}']

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve_one, args=(listening, answer), daemon=True).start()
        connections = LIVE_CONNECTIONS.format(port=listening.getsockname()[1])
        with make_bench(connections=connections, identity=IDENTITY) as made:
            client = Client(made, made.tokens["alice"], LIVE)
            client.say(TextMessage(data='{"setup": {"model": "models/gemini-live-remove"}}'))
            first = client.say(
                TextMessage(data='{"clientContent": {"turns": [{"role": "user", "parts": [{"text": "drop it"}]}]}}')
            )
            approval = made.approval_in_waiting()
            made.decide(verdict, approval["id"], reason="production data")
            second = json.loads(client.next().data)
            after = client.say(TextMessage(data='{"setup": {"model": "models/gemini-live-remove"}}'))
            client.close()
            recorded = made.messages(made.closed_exchange(0)["id"])

    assert json.loads(first.data) == LIVE_SAID
    assert json.loads(after.data) == {"setupComplete": {}}
    assert any("DROP TABLE" in (row["content"] or "") for row in recorded)
    if verdict == "approve":
        assert second == LIVE_CALL
        return
    assert "toolCall" not in second
    assert second["serverContent"]["turnComplete"]
    assert "production data" in second["serverContent"]["modelTurn"]["parts"][0]["text"]


@pytest.mark.parametrize("size", [1, 70_000])
def test_binary_messages_are_recorded_as_a_digest(make_bench, size: int) -> None:
    with websocket_server() as (port, _), make_bench(down_port=port) as made:
        client = Client(made, made.tokens["alice"])
        client.sock.sendall(client.ws.send(BytesMessage(data=b"\x00" * size)))
        client.say(TextMessage(data="then text"))
        client.close()

        contents = [row["content"] for row in made.messages(made.closed_exchange(0)["id"])]
        assert any(f"{size} bytes, hmac-sha256:" in content for content in contents)
