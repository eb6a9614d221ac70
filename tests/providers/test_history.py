"""A reply and its echo in the next request: the same parts, so that a conversation is recorded once."""

import json
from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from addons.providers.call import Part
from addons.providers.doors import parse_call
from addons.providers.wire import WireRequest
from tests.wire.twins import Twin, fed, load

TWINS = {f"{twin.endpoint}/{twin.name}": twin for twin in load()}


def replied(name: str) -> tuple[Part, ...]:
    twin = TWINS[name]
    parser = twin.parser()
    fed(parser, [twin.body])
    return parser.reply().parts


def resent(provider: str, path: str, body: dict[str, Any], turns: slice) -> tuple[Part, ...]:
    call = parse_call(provider, WireRequest("POST", path, "", (), orjson.dumps(body)))
    return tuple(part for turn in call.turns[turns] for part in turn.parts())


def chat(message: dict[str, Any]) -> tuple[Part, ...]:
    return resent("openai", "/v1/chat/completions", {"messages": [{"role": "assistant", **message}]}, slice(0, 1))


def call_of(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


CHAT = {
    "text.sse": {"content": "Grüße aus 東京 🗼"},
    "tools.sse": {
        "content": None,
        "tool_calls": [call_of("call_a", "run_sql", '{"q": "DROP TABLE t"}'), call_of("call_b", "ls", "{}")],
    },
    "legacy_function.sse": {"content": None, "function_call": {"name": "add", "arguments": '{"a":1,"b":2}'}},
    "refusal.sse": {"refusal": "I'm sorry."},
    "reasoning_content.sse": {"content": "42", "reasoning_content": "Let me see."},
    "thinking_list.sse": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Step one."}]},
            {"type": "text", "text": "Answer"},
        ]
    },
    "reasoning_details.sse": {
        "content": "Yes",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "Hmm."},
            {"type": "reasoning.encrypted", "data": "c2VhbGVk"},
        ],
    },
    "custom_tool.sse": {
        "tool_calls": [{"id": "call_c", "type": "custom", "custom": {"name": "shell", "input": "rm -rf /tmp/x"}}]
    },
}


@pytest.mark.parametrize(("name", "message"), CHAT.items(), ids=CHAT)
def test_openai_chat(name: str, message: dict[str, Any]) -> None:
    assert replied(f"openai.chat/{name}") == chat(message)


ANTHROPIC = {
    "text.sse": "Hallo Wält 🌍",
    "tools.sse": [
        {"type": "text", "text": "Checking."},
        {"type": "tool_use", "id": "toolu_1", "name": "run_sql", "input": {"q": "DROP TABLE t", "n": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ],
    "thinking.sse": [
        {"type": "thinking", "thinking": "Let me think.", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "ZGFyaw=="},
        {"type": "thinking", "thinking": "", "signature": "c2lnbmVk"},
        {"type": "text", "text": "Done", "cache_control": {"type": "ephemeral"}},
    ],
}


@pytest.mark.parametrize(("name", "content"), ANTHROPIC.items(), ids=ANTHROPIC)
def test_anthropic(name: str, content: Any) -> None:
    body = {"messages": [{"role": "assistant", "content": content}]}

    assert replied(f"anthropic.messages/{name}") == resent("anthropic", "/v1/messages", body, slice(0, 1))


def last_response(twin: Twin) -> list[dict[str, Any]]:
    """The output that a stream's last event repeats, which SDKs put into the next request's input."""
    lines: Iterable[str] = twin.body.decode().split("\n")
    found = [json.loads(line[5:]) for line in lines if line.startswith("data:")]
    output: list[dict[str, Any]] = found[-1]["response"]["output"]
    return output


@pytest.mark.parametrize("name", ["text.sse", "tools.sse"])
def test_openai_responses(name: str) -> None:
    output = last_response(TWINS[f"openai.responses/{name}"])

    assert replied(f"openai.responses/{name}") == resent("openai", "/v1/responses", {"input": output}, slice(0, None))


@pytest.mark.parametrize(
    "pieces",
    [["Grüße 東京"], ["Gr", "üße 東京"]],
    ids=["joined by the client", "as they came"],
)
def test_gemini(pieces: list[str]) -> None:
    parts = [{"text": "Let me see.", "thought": True}, *[{"text": piece} for piece in pieces]]
    body = {"contents": [{"role": "model", "parts": parts}]}
    path = "/v1beta/models/g:generateContent"

    assert replied("gemini.generate/text.sse")[:2] == resent("gcp.gemini", path, body, slice(0, 1))


def test_bedrock() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": "c2ln"}}},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "run_sql", "input": {"q": "DROP TABLE t"}}},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}},
    ]
    body = {"messages": [{"role": "assistant", "content": content}]}

    assert replied("bedrock.converse/tools.frames") == resent("aws.bedrock", "/model/m/converse", body, slice(0, 1))


def test_ollama() -> None:
    message = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "ls", "arguments": {"path": "/"}}}],
    }

    assert replied("ollama.chat/tools.ndjson") == resent("ollama", "/api/chat", {"messages": [message]}, slice(0, 1))


def test_cohere() -> None:
    message = {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [call_of("w_1", "weather", '{"city": "Bern"}')],
    }

    assert replied("cohere.chat/tools.sse") == resent("cohere", "/v2/chat", {"messages": [message]}, slice(0, 1))
