"""Agents on WebSockets, end to end: Codex at wss …/v1/responses, Gemini's Live API. Messages, tool calls with their results, and tokens are in the store."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Request, TextMessage

from tests.end_to_end import raw
from tests.end_to_end.gateway import DOORS, Bench

HOSTS = {"openai": "api.openai.com", "gemini": "generativelanguage.googleapis.com"}
CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - {{id: down, provider: {provider}, hosts: [{host}], upstream: "http://127.0.0.1:{port}", allow_private: true, credential: none, groups: [engineering]}}
"""
IDENTITY = 'version: 1\nlocal: trial\nrights: [{id: all, groups: [engineering], connections: ["*"]}]\n'
Exchange = list[tuple[dict[str, Any], list[dict[str, Any]]]]  # what the client says, and what it is answered


def answering(listening: socket.socket, talk: Exchange, heard: list[str], *, binary: bool) -> None:
    """One WebSocket: each message of the client gets its answers."""
    sock, _ = listening.accept()
    ws = WSConnection(ConnectionType.SERVER)
    with sock:
        while data := sock.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    heard.append(event.target)
                    sock.sendall(ws.send(AcceptConnection()))
                elif isinstance(event, TextMessage):
                    heard.append(event.data)
                    for said in talk[len(heard) - 2][1]:
                        text = json.dumps(said)
                        sock.sendall(ws.send(BytesMessage(data=text.encode()) if binary else TextMessage(data=text)))
                elif isinstance(event, CloseConnection):
                    sock.sendall(ws.send(event.response()))
                    return


def opened(made: Bench, door: str, name: str, target: str) -> tuple[socket.socket, WSConnection]:
    token = made.tokens["alice"]
    ws, headers = WSConnection(ConnectionType.CLIENT), []
    if door == "proxy":
        plain, _ = raw.connect(made.gateway.proxy_port, f"{name}:443", raw.basic(token))
        context = ssl.create_default_context(cafile=str(made.gateway.bundle))
        sock: socket.socket = context.wrap_socket(plain, server_hostname=name)
        host = name
    else:
        sock, host, target = raw.to(made.gateway.base_url_port), "gateway", f"/down{target}"
        headers = [(b"authorization", f"Bearer {token}".encode())]
    sock.sendall(ws.send(Request(host=host, target=target, extra_headers=headers)))
    assert isinstance(next_event(sock, ws), AcceptConnection)
    return sock, ws


def next_event(sock: socket.socket, ws: WSConnection) -> Event:
    while True:
        for event in ws.events():
            return event
        ws.receive_data(sock.recv(65536) or None)


def talked(made: Bench, door: str, name: str, target: str, talk: Exchange) -> list[Any]:
    """All that the client hears."""
    sock, ws = opened(made, door, name, target)
    told: list[Any] = []
    with sock:
        for said, answers in talk:
            sock.sendall(ws.send(TextMessage(data=json.dumps(said))))
            for _ in answers:
                event = next_event(sock, ws)
                assert isinstance(event, (TextMessage, BytesMessage))
                told.append(json.loads(bytes(event.data) if isinstance(event, BytesMessage) else event.data))
        sock.sendall(ws.send(CloseConnection(code=1000)))
        next_event(sock, ws)
    return told


def driven(make_bench, door: str, target: str, talk: Exchange, *, provider: str = "openai", binary: bool = False):
    """(the exchange, its messages, its commands, what its closing leaf says)"""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(
            target=answering, args=(listening, talk, heard), kwargs={"binary": binary}, daemon=True
        ).start()
        name, port = HOSTS[provider], listening.getsockname()[1]
        connections = CONNECTIONS.format(provider=provider, host=name, port=port)
        with make_bench(connections=connections, identity=IDENTITY) as made:
            told = talked(made, door, name, target, talk)
            row = made.closed_exchange(0)
            messages = made.messages(row["id"])
            commands = made.rows("SELECT * FROM commands WHERE exchange_id = ?", row["id"])
            (leaf,) = made.events_since(0, "exchange.closed")
    assert told == [said for _, answers in talk for said in answers]
    assert heard == [target, *(json.dumps(said) for said, _ in talk)]
    return row, messages, commands, json.loads(leaf["leaf"])["attrs"]


def said_in(messages: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["role"], row["kind"], row["content"]) for row in messages if row["kind"] != "other"]


THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Look first."}]}
SHELL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "shell", "arguments": '{"command":["bash","-lc","ls src | head"]}'}  # fmt: skip
DONE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two files."}]}  # fmt: skip


def completed(response_id: str, output: list[Any], asked: int, answered: int, cached: int) -> dict[str, Any]:
    usage = {"input_tokens": asked, "output_tokens": answered, "input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
    return {"type": "response.completed", "response": {"id": response_id, "model": "gpt-5-codex", "status": "completed", "output": output, "usage": usage}}  # fmt: skip


CODEX: Exchange = [
    (
        {"type": "response.create", "model": "gpt-5-codex", "instructions": "You are Codex.", "store": False, "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what is in src?"}]}]},
        [
            {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5-codex"}},
            {"type": "response.output_item.done", "output_index": 0, "item": THOUGHT},
            {"type": "response.output_item.added", "output_index": 1, "item": {**SHELL, "arguments": ""}},
            {"type": "response.function_call_arguments.delta", "output_index": 1, "item_id": "fc_1", "delta": SHELL["arguments"]},
            {"type": "response.output_item.done", "output_index": 1, "item": SHELL},
            completed("resp_1", [THOUGHT, SHELL], 100, 20, 64),
        ],
    ),
    (
        {"type": "response.create", "model": "gpt-5-codex", "previous_response_id": "resp_1", "input": [{"type": "function_call_output", "call_id": "call_1", "output": "a.py\nb.py"}]},
        [
            {"type": "response.created", "response": {"id": "resp_2", "model": "gpt-5-codex"}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Two files."},
            {"type": "response.output_item.done", "output_index": 0, "item": DONE},
            completed("resp_2", [DONE], 130, 5, 100),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_codex_speaks_over_a_websocket(make_bench, door: str) -> None:
    row, messages, commands, attrs = driven(make_bench, door, "/v1/responses", CODEX)

    assert said_in(messages) == [
        ("system", "text", "You are Codex."),
        ("user", "text", "what is in src?"),
        ("assistant", "reasoning", "Look first."),
        ("assistant", "tool_call", SHELL["arguments"]),
        ("tool", "tool_result", "a.py\nb.py"),
        ("assistant", "text", "Two files."),
    ]
    assert [(one["language"], one["verb"], one["evidence"], one["outcome"], one["result_exchange_id"]) for one in commands] == [
        ("shell", verb, "result_reported", "returned", row["id"]) for verb in ("bash", "ls", "head")
    ]  # fmt: skip
    assert {messages[one["position"]]["kind"] for one in commands} == {"tool_call"}
    assert (row["outcome"], row["http_status"], row["response_model"]) == ("completed", 101, "gpt-5-codex")
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (230, 25, 6)
    assert attrs["cached_tokens"] == 164


LIVE_CALL = {"id": "function-call-1", "name": "run_sql", "args": {"query": "SELECT name FROM planets"}}
SOUND = {"modality": "AUDIO", "tokenCount": 30}
LIVE: Exchange = [
    (
        {"setup": {"model": "models/gemini-live", "generationConfig": {"responseModalities": ["AUDIO"]}, "systemInstruction": {"parts": [{"text": "Be brief."}]}}},
        [{"setupComplete": {}}],
    ),
    (
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "which planets are there?"}]}], "turnComplete": True}},
        [{"toolCall": {"functionCalls": [LIVE_CALL]}}],
    ),
    (
        {"toolResponse": {"functionResponses": [{"id": "function-call-1", "name": "run_sql", "response": {"output": "Mars"}}]}},
        [
            {"serverContent": {"modelTurn": {"parts": [{"text": "One row.", "thought": True}]}}},
            {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}]}}},
            {"serverContent": {"outputTranscription": {"text": "Mars "}}},
            {"serverContent": {"outputTranscription": {"text": "is."}}},
            {"serverContent": {"turnComplete": True}, "usageMetadata": {"promptTokenCount": 40, "responseTokenCount": 35, "thoughtsTokenCount": 4, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}], "responseTokensDetails": [SOUND]}},
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_gemini_speaks_over_a_websocket(make_bench, door: str) -> None:
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"

    row, messages, commands, attrs = driven(make_bench, door, path, LIVE, provider="gemini", binary=True)

    assert [one[:2] for one in said_in(messages)] == [
        ("system", "text"), ("user", "text"), ("assistant", "tool_call"), ("tool", "tool_result"),
        ("assistant", "reasoning"), ("assistant", "text"), ("assistant", "audio"),
    ]  # fmt: skip
    assert [content for *_, content in said_in(messages)][4:6] == ["One row.", "Mars is."]
    assert [(one["language"], one["verb"], one["objects"], one["evidence"], one["result_exchange_id"]) for one in commands] == [
        ("sql", "SELECT", '["planets"]', "result_reported", row["id"])
    ]  # fmt: skip
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (40, 35, 4)
    assert attrs["audio_tokens"] == 30
    assert (row["response_model"], row["outcome"]) == ("gemini-live", "completed")
