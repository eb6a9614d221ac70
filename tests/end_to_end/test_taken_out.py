"""A denied tool call is taken out of a stream and the reply goes on: what the user of each official SDK holds at the end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from addons.providers.aws_eventstream import write_frame
from scripts.local_gateway import clean_environment
from tests.end_to_end.gateway import Bench
from tests.end_to_end.sdk import CLIENTS, PYTHON, Worker, worker
from tests.quick import quick

TEXT = "I shall remove them now."
QUERY = "DROP TABLE customers"
OTHER = "DROP TABLE orders"
MODELS = {
    "chat": "gpt-remove", "responses": "gpt-remove", "messages": "claude-remove", "gemini": "gemini-remove", "bedrock": "nova-remove",
    "cohere": "command-remove", "ollama": "llama-remove",
}  # fmt: skip
CONNECTIONS = {
    "chat": "openai",
    "responses": "openai",
    "messages": "anthropic",
    "gemini": "gemini",
    "bedrock": "bedrock",
    "cohere": "cohere",
    "ollama": "ollama",
}
VERSIONS = {"chat": "/v1", "responses": "/v1"}
FINISHED = {
    "chat": "stop", "responses": "completed", "messages": "end_turn", "gemini": "STOP", "bedrock": "end_turn", "cohere": "COMPLETE",
    "ollama": "stop",
}  # fmt: skip
CALLED = {
    "chat": "tool_calls",
    "responses": "completed",
    "messages": "tool_use",
    "gemini": "STOP",
    "bedrock": "tool_use",
    "cohere": "TOOL_CALL",
    "ollama": "stop",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Worker]:
    if not PYTHON.exists():
        pytest.skip("the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients")
    with worker([str(PYTHON), str(CLIENTS / "final_objects.py")]) as made:
        yield made


def events(*values: dict[str, Any], named: bool = False) -> bytes:
    return b"".join(
        (f"event: {value['type']}\n" if named else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"
        for value in values
    )


def responses_stream(query: str) -> bytes:
    arguments = json.dumps({"query": query})
    said = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
    call = {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "c1",
        "name": "run_sql",
        "arguments": arguments,
        "status": "completed",
    }
    whole = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-remove", "output": [message, call],
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {
            "input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 7,
        },
    }  # fmt: skip
    began = {**whole, "status": "in_progress", "output": [], "usage": None}
    place, other = {"item_id": "msg_1", "output_index": 0, "content_index": 0}, {"item_id": "fc_1", "output_index": 1}
    told: list[dict[str, Any]] = [
        {"type": "response.created", "response": began},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**message, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": {**said, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": TEXT, "logprobs": []},
        {"type": "response.output_text.done", **place, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": said},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {**call, "arguments": "", "status": "in_progress"},
        },
        {"type": "response.function_call_arguments.delta", **other, "delta": arguments[:9]},
        {"type": "response.function_call_arguments.delta", **other, "delta": arguments[9:]},
        {"type": "response.function_call_arguments.done", **other, "name": "run_sql", "arguments": arguments},
        {"type": "response.output_item.done", "output_index": 1, "item": call},
        {"type": "response.completed", "response": whole},
    ]
    return events(*({**one, "sequence_number": number} for number, one in enumerate(told)), named=True)


def gemini_stream(query: str) -> bytes:
    def piece(part: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0, **more}],
            "modelVersion": "gemini-remove",
        }

    call = {"functionCall": {"name": "run_sql", "args": {"query": query}}}
    return events(piece({"text": TEXT}), piece(call, finishReason="STOP"))


def bedrock_stream(query: str) -> bytes:
    arguments = json.dumps({"query": query})
    told: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": TEXT}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "run_sql"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": arguments}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}),
    ]
    return b"".join(
        write_frame(
            {":event-type": name, ":content-type": "application/json", ":message-type": "event"},
            json.dumps(value).encode(),
        )
        for name, value in told
    )


def cohere_stream(query: str) -> bytes:
    function = {"name": "run_sql", "arguments": ""}
    arguments = {"message": {"tool_calls": {"function": {"arguments": json.dumps({"query": query})}}}}
    counted = {
        "billed_units": {"input_tokens": 1, "output_tokens": 1},
        "tokens": {"input_tokens": 1, "output_tokens": 1},
    }
    return events(
        {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": TEXT}}}},
        {"type": "content-end", "index": 0},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "t1", "type": "function", "function": function}}}},
        {"type": "tool-call-delta", "index": 0, "delta": arguments},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": counted}},
        named=True,
    )  # fmt: skip


def ollama_stream(query: str) -> bytes:
    def line(message: dict[str, Any], **more: Any) -> bytes:
        whole = {
            "model": "llama-remove",
            "created_at": "2026-11-25T10:00:00Z",
            "message": {"role": "assistant", **message},
            "done": False,
        }
        return json.dumps({**whole, **more}).encode() + b"\n"

    call = {"function": {"name": "run_sql", "arguments": {"query": query}}}
    counted = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4, "total_duration": 1}
    return line({"content": TEXT}) + line({"content": "", "tool_calls": [call]}) + line({"content": ""}, **counted)


STREAMS = {
    "cohere": (cohere_stream, "text/event-stream"),
    "ollama": (ollama_stream, "application/x-ndjson"),
    "responses": (responses_stream, "text/event-stream"),
    "gemini": (gemini_stream, "text/event-stream"),
    "bedrock": (bedrock_stream, "application/vnd.amazon.eventstream"),
}


def prompt(query: str) -> str:
    return f"say: {TEXT}\nuse tool run_sql: {query}"


def job(bench: Bench, sdk: str, query: str) -> dict[str, Any]:
    environment = clean_environment(bench.state.path.parent)
    token = bench.tokens["alice"]
    if sdk == "bedrock":
        environment |= {"HTTPS_PROXY": bench.gateway.proxy_url(token), "SSL_CERT_FILE": str(bench.gateway.bundle)}
    headers = {}
    if sdk in STREAMS:
        stream, content_type = STREAMS[sdk]
        script = {"body_base64": base64.b64encode(stream(query)).decode(), "content_type": content_type}
        headers = {"x-local-script": json.dumps(script)}
    base_url = bench.gateway.base_url(CONNECTIONS[sdk]) + VERSIONS.get(sdk, "")
    return {
        "environment": environment, "sdk": sdk, "base_url": base_url, "key": token, "model": MODELS[sdk], "prompt": prompt(query), "headers": headers,
    }  # fmt: skip


def ended(client: Worker) -> dict[str, Any]:
    while "text" in (line := client.next()):
        pass
    assert "final" in line, line
    return dict(line["final"])


@pytest.mark.parametrize("sdk", MODELS)
def test_a_denied_call_is_taken_out_and_the_sdk_sees_a_valid_reply(shared: Bench, client: Worker, sdk: str) -> None:
    before = shared.last_seq()
    client.start(job(shared, sdk, QUERY))
    seen = ""
    while TEXT not in seen:
        line = client.next()
        assert "text" in line, line
        seen += line["text"]
    approval = shared.approval_in_waiting()
    assert approval["rule"] == "taken-out"
    assert QUERY in approval["shown"][0]["text"]

    assert client.is_silent(0.2)
    shared.decide("deny", approval["id"], reason="production data")
    final = ended(client)

    assert final["tools"] == []
    assert final["finish"] == FINISHED[sdk]
    assert final["text"].startswith(TEXT)
    assert "production data" in final["text"]
    assert approval["id"] in final["text"]
    row = shared.closed_exchange(before)
    assert (row["outcome"], row["error"]) == ("denied", "approval_denied")
    assert any(
        "DROP TABLE" in (one["content"] or "") for one in shared.messages(row["id"])
    )  # what the model asked for is the record's


@pytest.mark.parametrize("sdk", quick(2, MODELS))
def test_an_approved_call_arrives_as_it_was(shared: Bench, client: Worker, sdk: str) -> None:
    client.start(job(shared, sdk, OTHER))
    shared.decide("approve", shared.approval_in_waiting()["id"])

    final = ended(client)

    assert (final["tools"], final["finish"]) == (["run_sql"], CALLED[sdk])


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_of_a_reply_that_is_no_stream_the_call_is_taken_out_too(shared: Bench, python_sdk: Worker, sdk: str) -> None:
    python_sdk.start(
        shared.job(
            sdk,
            "base_url",
            prompt("DROP TABLE people"),
            model="gpt-remove" if sdk == "openai" else "claude-remove",
            tools=True,
        )
    )
    approval = shared.approval_in_waiting()

    shared.decide("deny", approval["id"], reason="production data")
    done = python_sdk.done()

    assert (done.error, done.tools) == ("", ())
    assert done.finish == {"openai": "stop", "anthropic": "end_turn"}[sdk]
    assert "production data" in done.text
