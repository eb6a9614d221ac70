"""What the local provider says: replies in the shapes of OpenAI and Anthropic, whole or as events. Pure. Not a model, and it says so.

The last user message is the script, line by line; a line that is no instruction is ordinary text:
    say: TEXT                     the reply's text (several lines: one paragraph each)
    think: TEXT                   reasoning before the text
    use tool NAME: TEXT           a tool call; TEXT becomes the tool's first declared argument ("query" for run_sql)
    use tool NAME {"a": 1}        a tool call with these arguments, sent as written
Sources: OpenAI API reference, chat completions; Anthropic API reference, messages and streaming (both 2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
EVENT = re.compile(
    r"^\s*(?:use tool (?P<tool>[\w.-]+)\s*(?::\s*(?P<text>.*)|(?P<json>\{.*\}))|(?P<verb>say|think):\s?(?P<said>.*))$"
)
FIRST_ARGUMENT = {"run_sql": "query", "bash": "command", "shell": "command", "fetch": "url"}
SIMULATED = "This is a simulated reply of Affidavit's local provider; no model was asked."


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str  # JSON text, as it goes on the wire


@dataclass(frozen=True, slots=True)
class Said:
    """One reply, before it has a wire form."""

    number: int  # of the request, from 1: makes ids that a test can predict
    model: str
    reasoning: str
    text: str
    tools: tuple[ToolCall, ...]
    input_tokens: int
    delta_chars: int  # characters of text in one event of a stream

    @property
    def output_tokens(self) -> int:
        return (len(self.text) + sum(len(tool.arguments) for tool in self.tools)) // 4 + 1

    @property
    def reasoning_tokens(self) -> int:
        return len(self.reasoning) // 4


def said(body: Mapping[str, Json], number: int, delta_chars: int) -> Said:
    """Reads the script out of a request's last user message."""
    messages = [m for m in body.get("messages") or () if isinstance(m, dict)]
    prompt, results = last_words(messages)
    reasoning: list[str] = []
    text: list[str] = []
    tools: list[ToolCall] = []
    for line in prompt.splitlines():
        found = EVENT.match(line)
        if found and found["tool"]:
            call_id = f"call_local_{number}_{len(tools) + 1}"
            tools.append(
                ToolCall(call_id, found["tool"], found["json"] or arguments(body, found["tool"], found["text"]))
            )
        elif found:
            (text if found["verb"] == "say" else reasoning).append(found["said"])
    if results:
        text = [f"{SIMULATED} The tool returned {len(results)} characters."]
        tools = []
    elif not text:
        text = [f"{SIMULATED} Your last message has {len(prompt)} characters."]
    model = str(body.get("model") or "none")
    return Said(
        number,
        model if model.startswith("local-") else f"local-{model}",
        "\n".join(reasoning),
        "\n".join(text),
        tuple(tools),
        len(json.dumps(messages)) // 4,
        max(1, delta_chars),
    )


def last_words(messages: list[dict[str, Json]]) -> tuple[str, str]:
    """The text of the last user message, and of the tool results if those came last."""
    if not messages:
        return "", ""
    last = messages[-1]
    if last.get("role") == "tool":
        return "", plain(last.get("content"))
    content = last.get("content")
    if isinstance(content, list):
        results = [
            plain(part.get("content"))
            for part in content
            if isinstance(part, dict) and part.get("type") == "tool_result"
        ]
        if results:
            return "", "".join(results) or " "
    return plain(content), ""


def plain(content: Json) -> str:
    """The text of a message's content, string or parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def arguments(body: Mapping[str, Json], tool: str, text: str) -> str:
    """`{"query": "DELETE …"}`: the name is the tool's first declared property, else a customary one."""
    for declared in body.get("tools") or ():
        function = declared.get("function", declared) if isinstance(declared, dict) else {}
        schema = function.get("parameters") or function.get("input_schema") or {}
        if function.get("name") == tool and schema.get("properties"):
            return json.dumps({next(iter(schema["properties"])): text}, ensure_ascii=False)
    return json.dumps({FIRST_ARGUMENT.get(tool, "input"): text}, ensure_ascii=False)


def pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def dumped(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# ---- OpenAI, /v1/chat/completions


def openai_json(reply: Said) -> Json:
    message: dict[str, Json] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.tools:
        message["tool_calls"] = [openai_tool(tool) for tool in reply.tools]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": "tool_calls" if reply.tools else "stop",
    }
    head = {"id": f"chatcmpl-local-{reply.number}", "object": "chat.completion", "created": 0, "model": reply.model}
    return {**head, "choices": [choice], "usage": openai_usage(reply), "system_fingerprint": "simulated"}


def openai_tool(tool: ToolCall) -> Json:
    return {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}


def openai_usage(reply: Said) -> Json:
    completion = reply.output_tokens + reply.reasoning_tokens
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": completion,
        "total_tokens": reply.input_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }


def openai_events(reply: Said, *, usage: bool) -> Iterator[bytes]:
    head = {
        "id": f"chatcmpl-local-{reply.number}",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": reply.model,
    }

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        return event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(reply.reasoning, reply.delta_chars):
        yield chunk({"reasoning_content": piece})
    for piece in pieces(reply.text, reply.delta_chars):
        yield chunk({"content": piece})
    for index, tool in enumerate(reply.tools):
        yield chunk({"tool_calls": [{"index": index, **openai_tool(ToolCall(tool.id, tool.name, ""))}]})
        for piece in pieces(tool.arguments, reply.delta_chars):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, "tool_calls" if reply.tools else "stop")
    if usage:
        yield event({**head, "choices": [], "usage": openai_usage(reply)})
    yield b"data: [DONE]\n\n"


def event(value: Json, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + f"data: {dumped(value)}\n\n".encode()


# ---- Anthropic, /v1/messages


def anthropic_json(reply: Said) -> Json:
    blocks = [whole for _, whole, _ in anthropic_blocks(reply)]
    return {
        **anthropic_head(reply),
        "content": blocks,
        "stop_reason": anthropic_stop(reply),
        "usage": anthropic_usage(reply),
    }


def anthropic_head(reply: Said) -> dict[str, Json]:
    head = {"id": f"msg_local_{reply.number}", "type": "message", "role": "assistant", "model": reply.model}
    return {**head, "content": [], "stop_reason": None, "stop_sequence": None}


def anthropic_stop(reply: Said) -> str:
    return "tool_use" if reply.tools else "end_turn"


def anthropic_usage(reply: Said) -> Json:
    tokens = reply.output_tokens + reply.reasoning_tokens
    return {
        "input_tokens": reply.input_tokens,
        "output_tokens": tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def anthropic_blocks(reply: Said) -> Iterator[tuple[Json, Json, tuple[Json, ...]]]:
    """(as content_block_start opens it, the whole block, its deltas), one a block."""
    if reply.reasoning:
        whole = {"type": "thinking", "thinking": reply.reasoning, "signature": "bG9jYWw="}
        deltas: list[Json] = [
            {"type": "thinking_delta", "thinking": p} for p in pieces(reply.reasoning, reply.delta_chars)
        ]
        yield (
            {"type": "thinking", "thinking": "", "signature": ""},
            whole,
            (*deltas, {"type": "signature_delta", "signature": "bG9jYWw="}),
        )
    whole = {"type": "text", "text": reply.text}
    yield (
        {"type": "text", "text": ""},
        whole,
        tuple({"type": "text_delta", "text": p} for p in pieces(reply.text, reply.delta_chars)),
    )
    for tool in reply.tools:
        opened = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}
        parts = pieces(tool.arguments, reply.delta_chars)
        yield (
            opened,
            {**opened, "input": json.loads(tool.arguments)},
            tuple({"type": "input_json_delta", "partial_json": p} for p in parts),
        )


def anthropic_events(reply: Said) -> Iterator[bytes]:
    def named(name: str, **fields: Json) -> bytes:
        return event({"type": name, **fields}, name)

    yield named(
        "message_start", message={**anthropic_head(reply), "usage": {**anthropic_usage(reply), "output_tokens": 1}}
    )
    for index, (opened, _, deltas) in enumerate(anthropic_blocks(reply)):
        yield named("content_block_start", index=index, content_block=opened)
        for delta in deltas:
            yield named("content_block_delta", index=index, delta=delta)
        yield named("content_block_stop", index=index)
    stop = {"stop_reason": anthropic_stop(reply), "stop_sequence": None}
    yield named("message_delta", delta=stop, usage={"output_tokens": reply.output_tokens + reply.reasoning_tokens})
    yield named("message_stop")


# ---- errors, in each provider's own shape

ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error_json(path: str, status: int, message: str) -> Json:
    if path.startswith("/v1/messages"):
        kind = ANTHROPIC_ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_local"}
    kind = {401: "invalid_request_error", 429: "rate_limit_error"}.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": f"local_{status}"}}


def error_event(path: str, message: str) -> bytes:
    """What the two send when a stream fails after its 200."""
    value = error_json(path, 529 if path.startswith("/v1/messages") else 500, message)
    return event(value, "error" if path.startswith("/v1/messages") else "")


def joined(chunks: Iterable[bytes]) -> bytes:
    return b"".join(chunks)
