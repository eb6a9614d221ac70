"""No input makes the room raise, and none makes it slow: what strangers send is only ever read."""

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.providers.call import Call, Part, Reply
from addons.providers.doors import parse_call, parse_reply, refusal_event, stream_parser
from addons.providers.json_values import dumps
from addons.providers.registry import PROVIDER_NAMES, PROVIDERS, endpoint_with_id
from addons.providers.wire import WireReply, WireRequest
from tests.quick import quick
from tests.wire.twins import fed

MANY = settings(max_examples=600, deadline=None, derandomize=True)
SEVERAL = settings(max_examples=200, deadline=None, derandomize=True)
SOME = settings(max_examples=40, deadline=None, derandomize=True)
ENDPOINTS = sorted({endpoint.id for provider in PROVIDERS for endpoint in provider.endpoints})
PATHS = [
    "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions", "/v1/embeddings", "/v1/images/edits",
    "/v1/audio/transcriptions", "/v1/audio/speech", "/v1/moderations", "/v1/files", "/v1/rerank", "/api/chat",
    "/api/generate", "/v1/chat", "/v2/chat", "/v1beta/models/g:generateContent", "/v1beta/models/g:streamGenerateContent",
    "/v1beta/models/g:batchEmbedContents", "/v1beta/models/g:countTokens", "/model/m/converse", "/model/m/invoke",
    "/model/m/count-tokens", "/v1/messages/count_tokens", "/v1/responses/input_tokens", "/mcp", "/x", "",
]  # fmt: skip
TYPES = [
    "application/json", "text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream", "text/plain",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "audio/mpeg", "",
]  # fmt: skip
KEYS = [
    "action", "arguments", "audio", "body", "bytes", "candidates", "chat_history", "choices", "citations", "code", "content",
    "content_block", "content_index", "contentBlockDelta", "contentBlockIndex", "contentBlockStart", "contents", "contextual",
    "custom", "data", "delta", "document", "documents", "embedding", "embeddings", "encrypted_content", "error", "event_type",
    "executed_tools", "file", "finish_reason", "finishReason", "function", "function_call", "functionCall", "functionResponse",
    "generateContentRequest", "generations", "id", "image", "image_url", "images", "index", "inlineData", "input", "input_audio",
    "inputText", "instructions", "invokeModel", "is_finished", "item", "jsonrpc", "language", "message", "messages", "meta", "method",
    "model", "output", "output_index", "params", "partial_json", "partialArgs", "jsonPath", "stringValue", "willContinue", "parts",
    "preamble", "predictions", "prompt", "promptFeedback", "query", "queries", "reasoning", "reasoning_content",
    "reasoning_details", "reasoningContent", "reasoningText", "refusal", "requests", "response", "result", "results", "role",
    "segments", "signature", "source", "start", "status", "stop_reason", "stopReason", "structuredContent", "summary", "system",
    "systemInstruction", "text", "texts", "thinking", "thought", "thoughtSignature", "tool_call_id", "tool_calls", "tool_plan",
    "tool_results", "tool_use_id", "toolConfig", "toolResult", "toolUse", "toolUseId", "tools", "trace", "transcript", "type",
    "url", "usage", "usageMetadata", "x_groq",
]  # fmt: skip
WORDS = [
    "assistant", "base64", "compaction", "content_block_delta", "content_block_start", "content_block_stop", "document", "error",
    "file", "function", "function_call", "function_call_output", "image", "image_url", "input_audio", "message", "message-end",
    "message_delta", "message_start", "message_stop", "model", "reasoning", "redacted_thinking", "response.completed",
    "response.output_item.added", "response.output_item.done", "response.output_text.delta", "server_tool_use", "system", "text",
    "thinking", "tool", "tool-call-end", "tool-call-start", "tool_result", "tool_use", "tools/call", "user", "2.0", "", "é\u0000",
]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=30,
)
bodies = values.map(orjson.dumps) | st.binary(max_size=200)


def check(call: Call) -> None:
    for turn in call.turns:
        dumps(turn.raw)
        assert all(
            isinstance(part, Part) and isinstance(part.content, str) and isinstance(part.name, str)
            for part in turn.parts()
        )
    dumps(dict(call.parameters))


def check_reply(reply: Reply) -> None:
    assert all(isinstance(part.content, str) and isinstance(part.call_id, str) for part in reply.parts)
    assert all(isinstance(word, str) for word in (reply.model, reply.response_id, reply.error, *reply.finish_reasons))
    for part in reply.parts:
        part.content.encode()


def call_to(endpoint: str) -> Call:
    return Call("openai", "", endpoint, "", streamed=True, turns=())


@MANY
@given(
    st.sampled_from(sorted(PROVIDER_NAMES)) | st.text(max_size=5),
    st.sampled_from(PATHS) | st.text(max_size=20),
    st.sampled_from(TYPES),
    bodies,
)
def test_no_request_raises(provider: str, path: str, content_type: str, body: bytes) -> None:
    check(parse_call(provider, WireRequest("POST", path, "", (("content-type", content_type),), body)))


@MANY
@given(
    st.sampled_from([*ENDPOINTS, "generic", "?"]), st.sampled_from([200, 204, 400, 503]), st.sampled_from(TYPES), bodies
)
def test_no_reply_raises(endpoint: str, status: int, content_type: str, body: bytes) -> None:
    check_reply(parse_reply(call_to(endpoint), WireReply(status, (("content-type", content_type),), body)))


@SEVERAL
@given(
    st.sampled_from([*ENDPOINTS, "generic"]),
    st.lists(st.tuples(st.sampled_from(WORDS), st.dictionaries(st.sampled_from(KEYS), values, max_size=5)), max_size=8),
)
def test_no_event_of_a_stream_raises(endpoint: str, told: list[tuple[str, dict[str, Any]]]) -> None:
    body = b"".join(b"event: " + name.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n" for name, value in told)
    parser = stream_parser(call_to(endpoint), "text/event-stream")
    assert parser is not None

    fed(parser, [body])
    check_reply(parser.reply())


@pytest.mark.parametrize(
    "endpoint", quick(12, (id_ for id_ in ENDPOINTS if (found := endpoint_with_id(id_)) and found.assembler))
)
@SOME
@given(st.data())
def test_no_event_of_an_endpoint_s_own_stream_raises(endpoint: str, data: st.DataObject) -> None:
    """The assembler itself, without the choice by shape before it."""
    found = endpoint_with_id(endpoint)
    assert found
    assert found.assembler
    assembler = found.assembler()
    for name, value in data.draw(
        st.lists(st.tuples(st.sampled_from([*WORDS, "contentBlockStart", "contentBlockDelta"]), values), max_size=6)
    ):
        assembler.take(name, value)
    assembler.close()

    check_reply(assembler.reply())


@pytest.mark.parametrize("cut", [0, 5, 11, 20, 24])
def test_brackets_that_close_nothing_between_two_values_end_no_value(cut: int) -> None:
    data = b'{"text": "a"} ] } x {"text": "b"} ]'
    parser = stream_parser(call_to("text.completion"), "text/plain")
    assert parser is not None

    frames = [*parser.feed(data[:cut]), *parser.feed(data[cut:]), *parser.finish()]

    assert b"".join(frame.data for frame in frames) == data
    assert [part.content for part in parser.reply().parts if part.kind == "text"] == ["ab"]


def test_an_mcp_message_that_is_both_a_question_and_an_answer_is_read_once() -> None:
    """Found by chance: such a message sent two readers to each other without end."""
    for odd in (
        {"method": "x", "result": {}},
        {"method": "tools/list", "error": 1},
        {"method": [], "result": {"content": []}},
    ):
        check_reply(
            parse_reply(call_to("mcp"), WireReply(200, (("content-type", "application/json"),), orjson.dumps(odd)))
        )


def seconds(run: Callable[[bytes], object], body: bytes) -> float:
    best = 9e9
    for _ in range(3):
        begun = time.process_time()
        run(body)
        best = min(best, time.process_time() - begun)
    return best


def read_stream(endpoint: str, content_type: str, piece: int = 1 << 30) -> Callable[[bytes], object]:
    def run(body: bytes) -> object:
        parser = stream_parser(call_to(endpoint), content_type)
        assert parser is not None
        fed(parser, [body[place : place + piece] for place in range(0, len(body), piece)])
        return parser.reply()

    return run


def read_request(path: str, content_type: str) -> Callable[[bytes], object]:
    return lambda body: check(
        parse_call("openai", WireRequest("POST", path, "", (("content-type", content_type),), body))
    )


SSE, NDJSON, AWS, JSON = (
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
    "application/json",
)


def delta(**fields: object) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": fields}]}) + b"\n\n"


HARD = {
    "empty lines": (read_stream("openai.chat", SSE), b"\n"),
    "carriage returns": (read_stream("openai.chat", SSE), b"\r"),
    "one line without an end, byte by byte": (read_stream("openai.chat", SSE, 1), b"a"),
    "fields without a value": (read_stream("openai.chat", SSE), b"data\n"),
    "brackets": (read_stream("gemini.generate", JSON), b"["),
    "quotes": (read_stream("gemini.generate", JSON, 7), b'"'),
    "backslashes": (read_stream("gemini.generate", JSON, 3), b'["\\\\'),
    "small lines": (read_stream("ollama.chat", NDJSON, 2), b"{}\n"),
    "zero bytes as frames": (read_stream("bedrock.converse", AWS, 5), b"\0"),
    "text in small pieces": (read_stream("openai.chat", SSE), delta(content="ab")),
    "a call in small pieces": (
        read_stream("openai.chat", SSE),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "ab"}}]),
    ),
    "calls without an index": (read_stream("openai.chat", SSE), delta(tool_calls=[{"function": {"name": "f"}}])),
    "thinking in small pieces": (
        read_stream("text.completion", NDJSON),
        b'{"response":"","thinking":"abc","done":false}\n',
    ),
    "candidates in small pieces": (
        read_stream("gemini.generate", SSE),
        b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n',
    ),
    "a call of gemini in small pieces": (
        read_stream("gemini.generate", SSE),
        b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"willContinue":true,"partialArgs":[{"jsonPath":"$.a","stringValue":"b"}]}}]}}]}\n\n',
    ),
    "fields of a form": (read_request("/x", "application/x-www-form-urlencoded"), b"a=1&"),
    "delimiters of an upload": (read_request("/x", "multipart/form-data; boundary=x"), b"--x\r\n\r\n"),
    "half an upload": (read_request("/x", "multipart/form-data; boundary=x"), b'--x; name="'),
    "brackets in a request": (read_request("/x", JSON), b"["),
    "surrogates in a request": (read_request("/x", JSON), b'"\\ud800",'),
}


@pytest.mark.parametrize(("run", "unit"), quick(4, HARD.values()), ids=HARD)
def test_four_times_the_bytes_take_about_four_times_as_long(run: Callable[[bytes], object], unit: bytes) -> None:
    """A quadratic reader would take sixteen times as long."""
    few = 40_000 // len(unit)
    run(unit * 10)

    assert seconds(run, unit * few * 4) < 9 * seconds(run, unit * few) + 0.02


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "generic"])
def test_a_refusal_can_be_written_into_any_stream(endpoint: str) -> None:
    assert refusal_event("openai", endpoint, "denied", "No.", "ex_1")
