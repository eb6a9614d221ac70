"""A text, cut into pieces, as each provider streams it: the same words in every wire format. Not a provider; what is made of them is measured and tested elsewhere.

Sources: each vendor's API reference on streaming, 2026-11; AWS event-stream from Smithy 2.0.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from addons.providers.aws_eventstream import write_frame

SSE, LINES, FRAMES = "text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"
Json = Any


@dataclass(frozen=True, slots=True)
class Format:
    """`body(pieces)`: the bytes of a stream that says the pieces one after the other."""

    name: str
    provider: str
    path: str
    endpoint: str
    content_type: str
    body: Callable[[Sequence[str]], bytes]


def sse(*events: Json, named: str = "") -> bytes:
    def one(event: Json) -> bytes:
        head = f"event: {event[named]}\n" if named else ""
        return f"{head}data: {json.dumps(event)}\n\n".encode()

    return b"".join(map(one, events))


def lines(*events: Json) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def frames(*events: tuple[str, Json]) -> bytes:
    return b"".join(
        write_frame(
            {":event-type": name, ":content-type": "application/json", ":message-type": "event"},
            json.dumps(said).encode(),
        )
        for name, said in events
    )


def _chat(delta: Json, reason: str | None = None) -> Json:
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def openai_chat(pieces: Sequence[str]) -> bytes:
    said = [_chat({"content": piece}) for piece in pieces]
    return sse(_chat({"role": "assistant", "content": ""}), *said, _chat({}, "stop")) + b"data: [DONE]\n\n"


def openai_arguments(pieces: Sequence[str]) -> bytes:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "note", "arguments": ""}}
    said = [_chat({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in in_json(pieces)]
    return (
        sse(_chat({"role": "assistant", "content": None, "tool_calls": [call]}), *said, _chat({}, "tool_calls"))
        + b"data: [DONE]\n\n"
    )


def in_json(pieces: Sequence[str]) -> list[str]:
    """`{"note": "…"}`, cut where the pieces are."""
    inner = [json.dumps(piece)[1:-1] for piece in pieces]
    return ['{"note": "' + inner[0], *inner[1:], '"}']


def openai_responses(pieces: Sequence[str]) -> bytes:
    text = "".join(pieces)
    message: Json = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[Json] = [
        {"type": "response.created", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**message, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **place, "part": {"type": "output_text", "text": "", "annotations": []}},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": message["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": [message]}},
    ]  # fmt: skip
    return sse(*(event | {"sequence_number": number} for number, event in enumerate(events)), named="type")


def anthropic_events(deltas: Sequence[Json], block: Json) -> list[Json]:
    message: Json = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]  # fmt: skip


def _anthropic_text(pieces: Sequence[str]) -> list[Json]:
    return anthropic_events([{"type": "text_delta", "text": piece} for piece in pieces], {"type": "text", "text": ""})


def anthropic_messages(pieces: Sequence[str]) -> bytes:
    return sse(*_anthropic_text(pieces), named="type")


def anthropic_input(pieces: Sequence[str]) -> bytes:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in in_json(pieces)]
    return sse(*anthropic_events(deltas, {"type": "tool_use", "id": "t1", "name": "note", "input": {}}), named="type")


def _gemini(pieces: Sequence[str]) -> list[Json]:
    def one(piece: str, *, last: bool) -> Json:
        return {
            "candidates": [
                {"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}
                | ({"finishReason": "STOP"} if last else {})
            ]
        }

    return [one(piece, last=number == len(pieces) - 1) for number, piece in enumerate(pieces)]


def gemini_sse(pieces: Sequence[str]) -> bytes:
    return sse(*_gemini(pieces))


def gemini_array(pieces: Sequence[str]) -> bytes:
    return b"[" + b",\r\n".join(json.dumps(event).encode() for event in _gemini(pieces)) + b"]"


def bedrock_converse(pieces: Sequence[str]) -> bytes:
    return frames(
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}) for piece in pieces),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
    )


def bedrock_tool(pieces: Sequence[str]) -> bytes:
    return frames(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t1", "name": "note"}}}),
        *(
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": piece}}})
            for piece in in_json(pieces)
        ),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "tool_use"}),
    )


def bedrock_invoke(pieces: Sequence[str]) -> bytes:
    events = _anthropic_text(pieces)
    return frames(*(("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}) for event in events))


def cohere_chat(pieces: Sequence[str]) -> bytes:
    said = [
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}} for piece in pieces
    ]
    return sse(
        {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *said,
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        named="type",
    )  # fmt: skip


def cohere_v1(pieces: Sequence[str]) -> bytes:
    said = [{"is_finished": False, "event_type": "text-generation", "text": piece} for piece in pieces]
    end = {
        "is_finished": True,
        "event_type": "stream-end",
        "finish_reason": "COMPLETE",
        "response": {"text": "".join(pieces), "generation_id": "g", "finish_reason": "COMPLETE"},
    }
    return lines({"is_finished": False, "event_type": "stream-start", "generation_id": "g"}, *said, end)


def ollama(pieces: Sequence[str]) -> bytes:
    said = [
        {
            "model": "m",
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": piece},
            "done": False,
        }
        for piece in pieces
    ]
    end = {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
    }
    return lines(*said, end)


def completions(pieces: Sequence[str]) -> bytes:
    said = [
        {
            "id": "c1",
            "object": "text_completion",
            "model": "m",
            "choices": [{"text": piece, "index": 0, "finish_reason": None}],
        }
        for piece in pieces
    ]
    return sse(*said) + b"data: [DONE]\n\n"


def gemini_interactions(pieces: Sequence[str]) -> bytes:
    return sse(
        {"event_type": "interaction.created", "interaction": {"id": "v1", "object": "interaction", "model": "m", "status": "in_progress"}},
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
        *({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": piece}} for piece in pieces),
        {"event_type": "step.stop", "index": 0},
        {"event_type": "interaction.completed", "interaction": {"id": "v1", "object": "interaction", "model": "m", "status": "completed"}},
        named="event_type",
    )  # fmt: skip


def assistants(pieces: Sequence[str]) -> bytes:
    said = [
        {
            "id": "msg_1",
            "object": "thread.message.delta",
            "delta": {"content": [{"index": 0, "type": "text", "text": {"value": piece, "annotations": []}}]},
        }
        for piece in pieces
    ]
    return b"".join(b"event: thread.message.delta\n" + sse(one) for one in said) + b"event: done\ndata: [DONE]\n\n"


def plain_lines(pieces: Sequence[str]) -> bytes:
    """A stream of nobody we know."""
    return lines(*({"seq": number, "output": {"text": piece}} for number, piece in enumerate(pieces)))


FORMATS = (
    Format("openai chat", "openai", "/v1/chat/completions", "openai.chat", SSE, openai_chat),
    Format("openai chat, tool arguments", "openai", "/v1/chat/completions", "openai.chat", SSE, openai_arguments),
    Format("openai responses", "openai", "/v1/responses", "openai.responses", SSE, openai_responses),
    Format("openai completions", "openai", "/v1/completions", "text.completion", SSE, completions),
    Format("openai assistants", "openai", "/v1/threads/t1/runs", "openai.assistants", SSE, assistants),
    Format("anthropic messages", "anthropic", "/v1/messages", "anthropic.messages", SSE, anthropic_messages),
    Format("anthropic messages, tool input", "anthropic", "/v1/messages", "anthropic.messages", SSE, anthropic_input),
    Format("gemini, events", "gcp.gemini", "/v1beta/models/m:streamGenerateContent", "gemini.generate", SSE, gemini_sse),
    Format("gemini, array", "gcp.gemini", "/v1beta/models/m:streamGenerateContent", "gemini.generate", "application/json", gemini_array),
    Format("gemini interactions", "gcp.gemini", "/v1beta/interactions", "gemini.interactions", SSE, gemini_interactions),
    Format("bedrock converse", "aws.bedrock", "/model/m/converse-stream", "bedrock.converse", FRAMES, bedrock_converse),
    Format("bedrock converse, tool input", "aws.bedrock", "/model/m/converse-stream", "bedrock.converse", FRAMES, bedrock_tool),
    Format("bedrock invoke", "aws.bedrock", "/model/m/invoke-with-response-stream", "anthropic.messages", FRAMES, bedrock_invoke),
    Format("cohere", "cohere", "/v2/chat", "cohere.chat", SSE, cohere_chat),
    Format("cohere v1", "cohere", "/v1/chat", "cohere.chat_v1", LINES, cohere_v1),
    Format("ollama", "ollama", "/api/chat", "ollama.chat", LINES, ollama),
    Format("unknown lines", "openai", "/v1/unknown", "generic", LINES, plain_lines),
)  # fmt: skip
