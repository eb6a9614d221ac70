"""Texts that wait in a stream: every byte comes out, none of a text before it can be decided, whatever the format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from addons.providers.call import Call, Frame, Kind
from addons.providers.doors import stream_parser
from addons.providers.texts import PIECE, TextsToo

SSE = "text/event-stream"


def sse(*values: dict[str, Any], done: bool = False) -> bytes:
    said = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    return said + (b"data: [DONE]\n\n" if done else b"")


def chat(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def block(kind: str, index: int, **more: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": index, **more}


CALLED = {"index": 0, "id": "c1", "type": "function", "function": {"name": "run_sql", "arguments": "{}"}}
CHAT = sse(
    chat({"reasoning_content": "hm"}), chat({"content": "one "}), chat({"content": "text"}),
    chat({"tool_calls": [CALLED]}), chat({}, "tool_calls"), done=True,
)  # fmt: skip
MESSAGES = sse(
    {"type": "message_start", "message": {"content": []}},
    block("start", 0, content_block={"type": "thinking", "thinking": ""}),
    block("delta", 0, delta={"type": "thinking_delta", "thinking": "hm"}),
    block("delta", 0, delta={"type": "signature_delta", "signature": "s"}),
    block("stop", 0),
    block("start", 1, content_block={"type": "text", "text": ""}),
    {"type": "ping"},
    block("delta", 1, delta={"type": "text_delta", "text": "one "}),
    block("delta", 1, delta={"type": "text_delta", "text": "text"}),
    block("stop", 1),
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
)
SAID = {"item_id": "m", "output_index": 0, "content_index": 0}
RESPONSES = sse(
    {"type": "response.reasoning_summary_text.delta", "item_id": "r", "output_index": 0, "summary_index": 0, "delta": "hm"},
    {"type": "response.reasoning_summary_text.done", "item_id": "r", "output_index": 0, "summary_index": 0, "text": "hm"},
    {"type": "response.output_text.delta", **SAID, "delta": "one "},
    {"type": "response.output_text.delta", **SAID, "delta": "text"},
    {"type": "response.output_text.done", **SAID, "text": "one text"},
    {"type": "response.completed", "response": {"output": [{"type": "message", "content": [{"type": "output_text", "text": "one text"}]}]}},
)  # fmt: skip
GEMINI = json.dumps(
    [{"candidates": [{"content": {"parts": [{"text": said}]}, **end}]} for said, end in (("one ", {}), ("text", {"finishReason": "STOP"}))]
).encode()  # fmt: skip
OLLAMA = b"".join(
    json.dumps({"message": {"role": "assistant", "content": said}, "done": not said}).encode() + b"\n"
    for said in ("one ", "text", "")
)
WHOLE_BLOCK = sse(block("start", 0, content_block={"type": "text", "text": "one text"}), block("stop", 0))
FORMATS = {
    "chat": ("openai.chat", SSE, CHAT, ["hm", "one text"]),
    "messages": ("anthropic.messages", SSE, MESSAGES, ["hm", "one text"]),
    "whole-block": ("anthropic.messages", SSE, WHOLE_BLOCK, ["one text"]),
    "responses": ("openai.responses", SSE, RESPONSES, ["hm", "one text"]),
    "gemini-array": ("gemini.generate", "application/json", GEMINI, ["one text"]),
    "ollama": ("ollama.chat", "application/x-ndjson", OLLAMA, ["one text"]),
}


def frames_of(endpoint: str, kind: str, data: bytes, size: int) -> list[Frame]:
    parser = stream_parser(Call("any", "chat", endpoint, "m", streamed=True, turns=()), kind)
    assert parser
    both = TextsToo(parser)
    fed = [frame for at in range(0, len(data), size) for frame in both.feed(data[at : at + size])]
    return [*fed, *both.finish()]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("form", FORMATS)
def test_each_text_is_decided_once_and_every_byte_comes_out(form: str, size: int) -> None:
    endpoint, kind, data, expected = FORMATS[form]
    frames = frames_of(endpoint, kind, data, size)

    assert b"".join(frame.data for frame in frames) == data
    assert [part.content for frame in frames for part in frame.completed if part.kind is Kind.TEXT] == expected


@pytest.mark.parametrize("form", FORMATS)
def test_no_byte_of_a_text_stands_before_its_decision_in_a_frame_that_does_not_wait(form: str) -> None:
    endpoint, kind, data, _ = FORMATS[form]
    frames = frames_of(endpoint, kind, data, 100_000)
    decided = next(at for at, frame in enumerate(frames) if any("one text" in part.content for part in frame.completed))

    passed = [frame.data for frame in frames[:decided] if not frame.holds and not frame.completed]
    assert not any(b"one " in data for data in passed)


def test_what_came_before_a_call_is_decided_without_it() -> None:
    kinds = [
        [part.kind for part in frame.completed] for frame in frames_of("openai.chat", SSE, CHAT, 9) if frame.completed
    ]

    assert kinds == [[Kind.TEXT], [Kind.TEXT], [Kind.TOOL_CALL]]


def test_a_long_text_is_decided_in_pieces_each_with_what_came_before_until_people_agreed() -> None:
    parser = stream_parser(Call("any", "chat", "openai.chat", "m", streamed=True, turns=()), SSE)
    assert parser
    both = TextsToo(parser)

    def decided(said: str, finish: str | None = None) -> list[str]:
        return [part.content for frame in both.feed(sse(chat({"content": said}, finish))) for part in frame.completed]

    assert decided("a" * PIECE) == ["a" * PIECE]
    assert decided("b") == []
    assert decided("b" * PIECE) == ["a" * PIECE + "b" * (PIECE + 1)]
    both.agreed()
    assert decided("c", "stop") == ["c"]


def test_two_answers_side_by_side_are_decided_when_both_are_over() -> None:
    data = sse(
        chat({"content": "one"}), chat({"content": "two"}, index=1), chat({}, "stop"), chat({}, "stop", 1), done=True
    )
    frames = frames_of("openai.chat", SSE, data, 11)

    decidable = [frame.completed for frame in frames if frame.completed and not frame.holds]
    assert [part.content for frame in frames for part in frame.completed] == ["one", "two"]
    assert len(decidable) == 1
