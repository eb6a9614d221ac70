"""What a model says in a WebSocket waits where a rule looks at it; denied, it is taken out or the conversation is cut, as the rule says."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from wsproto.events import CloseConnection, TextMessage

from tests.end_to_end.gateway import Bench
from tests.end_to_end.test_websocket_agents import CONNECTIONS, HOSTS, IDENTITY
from tests.end_to_end.test_websockets import Client, serve_one

Said = dict[str, Any]


def responses(text: str) -> list[Said]:
    """OpenAI's events of one answer, at Realtime and at /v1/responses."""
    item = {"id": "m1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    place = {"output_index": 0, "item_id": "m1", "content_index": 0}
    return [
        {"type": "response.created", "response": {"id": "r1", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        *({"type": "response.output_text.delta", **place, "delta": piece} for piece in (text[:14], text[14:])),
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]


def realtime(text: str) -> list[Said]:
    told = responses(text)
    return [
        *told,
        {"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [told[-1]["item"]]}},
    ]


def codex(text: str) -> list[Said]:
    told = responses(text)
    return [*told, {"type": "response.completed", "response": {"id": "r1", "output": [told[-1]["item"]]}}]


def live(text: str) -> list[Said]:
    turns = [{"serverContent": {"modelTurn": {"parts": [{"text": piece}]}}} for piece in (text[:14], text[14:])]
    return [*turns, {"serverContent": {"turnComplete": True}}]


FORMATS: dict[str, tuple[str, Said, Callable[[str], list[Said]], int]] = {
    "realtime": ("/v1/realtime?model=gpt-realtime", {"type": "response.create", "response": {"model": "gpt-said"}}, realtime, 1),
    "codex": ("/v1/responses", {"type": "response.create", "model": "gpt-said", "input": "tell me"}, codex, 1),
    "live": ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", {"setup": {"model": "models/gemini-said"}}, live, 0),
}  # fmt: skip
formats = pytest.mark.parametrize("format_", FORMATS)
PING = {"type": "ping"}


@contextmanager
def asked(make_bench, format_: str, text: str) -> Iterator[tuple[Bench, Client, list[Said]]]:
    """A client that has asked; what the provider answers."""
    path, question, answer, _ = FORMATS[format_]
    told = answer(text)

    def say(heard: str) -> list[str]:
        return [json.dumps(one) for one in ([PING] if json.loads(heard) == PING else told)]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve_one, args=(listening, say), daemon=True).start()
        provider = "gemini" if format_ == "live" else "openai"
        port = listening.getsockname()[1]
        connections = CONNECTIONS.format(provider=provider, host=HOSTS[provider], port=port)
        with make_bench(connections=connections, identity=IDENTITY) as made:
            client = Client(made, made.tokens["alice"], path)
            client.sock.sendall(client.ws.send(TextMessage(data=json.dumps(question))))
            yield made, client, told


def until_ping(client: Client) -> list[Said]:
    """All that came before the provider's answer to a ping: the conversation goes on."""
    client.sock.sendall(client.ws.send(TextMessage(data=json.dumps(PING))))
    got: list[Said] = []
    while not got or got[-1] != PING:
        event = client.next()
        assert isinstance(event, TextMessage), event
        got.append(json.loads(event.data))
    client.close()
    return got[:-1]


@formats
@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_a_text_in_messages_waits_and_a_denied_one_is_taken_out(make_bench, format_: str, verdict: str) -> None:
    at_once = FORMATS[format_][3]
    with asked(make_bench, format_, "It is launch-code 1234.") as (made, client, told):
        first = [json.loads(client.next().data) for _ in range(at_once)]
        approval = made.approval_in_waiting()
        waits = not select.select([client.sock], [], [], 0.2)[0]
        shown = made.state.run("approvals", "show", approval["id"], token=made.tokens["bob"]).stdout
        made.decide(verdict, approval["id"], reason="nobody needs it")
        got = first + until_ping(client)
        row = made.closed_exchange(0)
        recorded = [message["content"] for message in made.messages(row["id"])]
        findings = [event["leaf"] for event in made.events_since(0, "finding")]

    assert (approval["rule"], waits, first) == ("said-by-the-model", True, told[:at_once])
    assert "held text\nIt is launch-code 1234." in shown
    assert (row["outcome"], row["approval_id"]) == ("completed", approval["id"])
    assert "It is launch-code 1234." in recorded
    if verdict == "approve":
        assert got == told
        return
    assert "launch-code" not in json.dumps(got)
    assert "nobody needs it" in json.dumps(got)
    assert any("text_taken_out" in leaf for leaf in findings)


@formats
def test_a_denied_text_ends_the_conversation_where_the_rule_says_nothing_else(make_bench, format_: str) -> None:
    with asked(make_bench, format_, "4111 1111 1111 1111 and 5500 0000 0000 0004") as (made, client, told):
        got: list[Any] = []
        while not got or not isinstance(got[-1], CloseConnection):
            got.append(client.next())
        client.sock.close()
        row = made.closed_exchange(0)

    *messages, end = got
    error = [json.loads(message.data) for message in messages[FORMATS[format_][3] :]]
    assert "4111" not in str(messages)
    assert (end.code, end.reason.split(":")[0]) == (1008, "denied_by_rule")
    assert [one["error"]["code"] for one in error] == ([] if format_ == "live" else ["denied_by_rule"])
    assert row["outcome"] == "denied"
    assert told


@formats
def test_a_text_that_no_rule_names_passes_as_it_came(make_bench, format_: str) -> None:
    with asked(make_bench, format_, "It is nothing special.") as (_, client, told):
        assert until_ping(client) == told
