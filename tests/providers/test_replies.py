"""Replies that arrive whole: what their twins say, and failures in every shape seen in the field."""

import json

import pytest

from addons.commands.evidence import outcome_of
from addons.providers import gemini, gemini_interactions, vertex_predict
from addons.providers.anthropic_messages import usage_of as anthropic_usage
from addons.providers.call import Call, Kind, Part, Reply, Usage
from addons.providers.cohere import usage_of as cohere_usage
from addons.providers.doors import parse_reply
from addons.providers.gemini_live import LiveConversation
from addons.providers.openai_chat import OPENAI_CHAT
from addons.providers.openai_shapes import usage_of
from addons.providers.wire import WireReply
from tests.wire.twins import Twin, load, spelled

CHAT = Call("openai", "chat", "openai.chat", "", streamed=False, turns=())
GENERIC = Call("generic", "", "generic", "", streamed=False, turns=())


def reply_to(call: Call, body: bytes, *, status: int = 200, content_type: str = "application/json") -> Reply:
    return parse_reply(call, WireReply(status, (("content-type", content_type),), body))


@pytest.mark.parametrize(
    "twin", [twin for twin in load() if twin.name.endswith(".json")], ids=lambda twin: f"{twin.endpoint}/{twin.name}"
)
def test_a_reply_says_what_its_twin_says(twin: Twin) -> None:
    assert twin.said == spelled(
        parse_reply(twin.call, WireReply(200, (("content-type", twin.content_type),), twin.body))
    )


FAILURES = {
    "openai": (b'{"error":{"message":"m","type":"requests","code":"rate_limit_exceeded"}}', "rate_limit_exceeded"),
    "anthropic": (b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', "overloaded_error"),
    "gemini": (b'{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}', "NOT_FOUND"),
    "gemini, compatible": (b'[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]', "INVALID_ARGUMENT"),
    "ollama": (b'{"error":"m"}', "http_418"),
    "mistral": (b'{"object":"error","message":"m","type":"invalid_model","code":1500}', "1500"),
    "fastapi": (b'{"detail":"m"}', "http_418"),
    "cohere": (b'{"message":"m"}', "http_418"),
    "aws": (b'{"__type":"ThrottlingException","message":"m"}', "ThrottlingException"),
    "aws, capital": (b'{"Message":"m"}', "http_418"),
    "a page": (b"m", "http_418"),
    "nothing but text": (b'"m"', "http_418"),
}


@pytest.mark.parametrize(("body", "code"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("call", [CHAT, GENERIC], ids=["known", "generic"])
def test_a_failing_status_is_a_failure_whatever_the_body_looks_like(call: Call, body: bytes, code: str) -> None:
    reply = reply_to(call, body, status=418)

    assert (code, (Part(Kind.OTHER, "m", name="error"),)) == (reply.error, reply.parts)


def test_a_failing_status_without_a_body_is_a_failure() -> None:
    assert reply_to(CHAT, b"", status=503).error == "http_503"


def test_an_error_under_status_200_is_a_failure() -> None:
    assert reply_to(CHAT, b'{"error":{"type":"api_error","message":"m"}}').error == "api_error"


def test_a_reply_in_an_unknown_shape_is_recorded_whole() -> None:
    assert reply_to(CHAT, b'{"fortune":"cookie"}').parts == (
        Part(Kind.OTHER, '{"fortune":"cookie"}', media_type="application/json"),
    )


def test_events_under_the_content_type_of_json_are_read_as_events() -> None:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    assert reply_to(CHAT, body).parts == (Part(Kind.TEXT, "hi"),)


def test_a_page_of_html_under_an_error_status_is_its_text() -> None:
    reply = reply_to(CHAT, b"<html>nginx</html>", status=502, content_type="text/html")

    assert (reply.error, reply.parts[0].content) == ("http_502", "<html>nginx</html>")


def test_sound_is_kept_as_base64() -> None:
    reply = reply_to(GENERIC, b"\xff\xfb\x90\x00", content_type="audio/mpeg")

    assert reply.parts == (Part(Kind.AUDIO, "//uQAA==", media_type="audio/mpeg", base64=True),)


def test_json_that_was_cut_is_kept_as_text_and_is_not_complete() -> None:
    reply = reply_to(CHAT, b'{"id":"chatcmpl-1","choi')

    assert (reply.parts[0].content, reply.complete) == ('{"id":"chatcmpl-1","choi', False)


def test_tokens_are_counted_by_kind_wherever_a_vendor_puts_them():
    chat = {
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 1},
        }
    }
    realtime = {
        "input_tokens": 9,
        "output_tokens": 5,
        "input_token_details": {"audio_tokens": 2, "cached_tokens": 4},
        "output_token_details": {"audio_tokens": 1},
    }

    assert OPENAI_CHAT.parse_reply(chat).usage == Usage(9, 5, 3, 4, 3)
    assert usage_of(realtime) == Usage(9, 5, None, 4, 3)
    assert usage_of({"prompt_tokens": 9}) == Usage(9)


HEARD, WRITTEN = {"modality": "AUDIO", "tokenCount": 20}, {"modality": "TEXT", "tokenCount": 5}
GOOGLES = {
    "both ways": ({"promptTokensDetails": [HEARD, WRITTEN], "candidatesTokensDetails": [WRITTEN, HEARD]}, 40),
    "a number for the enum": ({"prompt_tokens_details": [{"modality": 4, "token_count": 7}]}, 7),
    "nothing of sound": ({"promptTokensDetails": [WRITTEN]}, None),
    "sound without a count": ({"promptTokensDetails": [{"modality": "AUDIO"}]}, None),
    "no list": ({"promptTokensDetails": "AUDIO"}, None),
}


@pytest.mark.parametrize(("usage", "expected"), GOOGLES.values(), ids=GOOGLES)
def test_geminis_audio_tokens_are_summed(usage, expected):
    assert gemini.usage_of(usage).audio_tokens == expected


def test_interactions_and_live_sum_them_too():
    said = {"total_input_tokens": 9, "input_tokens_by_modality": [{"modality": "audio", "tokens": 4}, {"modality": "text", "tokens": 5}]}  # fmt: skip
    live = LiveConversation()
    for _ in range(2):
        live.server({"usageMetadata": {"promptTokenCount": 20, "promptTokensDetails": [HEARD], "responseTokensDetails": [HEARD]}})  # fmt: skip
        live.server({"serverContent": {"turnComplete": True}})

    assert gemini_interactions.usage_of(said) == Usage(9, audio_tokens=4)
    assert live.reply().usage == Usage(40, audio_tokens=80)


MCP = Call("mcp", "", "mcp", "", streamed=False, turns=())
PLAN = "file:///srv/plan.md"
FETCHED = {
    "a resource as text": (
        {"contents": [{"uri": PLAN, "mimeType": "text/markdown", "text": "# plan"}]},
        [(Kind.TOOL_RESULT, "# plan", PLAN, "text/markdown", False)],
    ),
    "a resource as bytes": (
        {"contents": [{"uri": "file:///a.png", "mimeType": "image/png", "blob": "iVBORw0KGgo="}]},
        [(Kind.IMAGE, "iVBORw0KGgo=", "file:///a.png", "image/png", True)],
    ),
    "a prompt": (
        {"messages": [{"role": "user", "content": {"type": "text", "text": "review this"}}]},
        [(Kind.TOOL_RESULT, "review this", "user", "", False)],
    ),
    "a resource in a prompt": (
        {"messages": [{"role": "user", "content": {"type": "resource", "resource": {"uri": PLAN, "text": "x"}}}]},
        [(Kind.TOOL_RESULT, "x", PLAN, "", False)],
    ),
    "a resource in a tool's result": (
        {"content": [{"type": "resource", "resource": {"uri": PLAN, "text": "x"}}]},
        [(Kind.TOOL_RESULT, "x", PLAN, "", False)],
    ),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FETCHED)
def test_what_an_mcp_server_is_asked_for_is_read(name: str, *, streamed: bool) -> None:
    result, expected = FETCHED[name]
    body = json.dumps({"jsonrpc": "2.0", "id": 4, "result": result}).encode()
    if streamed:
        body = b"event: message\ndata: " + body + b"\n\n"

    reply = reply_to(MCP, body, content_type="text/event-stream" if streamed else "application/json")

    said = [(one.kind, one.content, one.name, one.media_type, one.base64) for one in reply.parts if one.call_id == "4"]
    assert said == expected
    assert outcome_of(reply.parts, "4") == "returned"


def test_gemini_says_why_it_ended() -> None:
    reply = gemini.parse_reply(
        {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "print(x)"}]}
    )

    assert reply.parts == (Part(Kind.OTHER, '"print(x)"', name="finishMessage", media_type="application/json"),)


@pytest.mark.parametrize("word", ["total_thought_tokens", "total_reasoning_tokens"])
def test_tokens_of_thought_are_counted_under_either_name(word: str) -> None:
    assert gemini_interactions.usage_of({word: 5}).reasoning_tokens == 5


@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/x-subrip"])
def test_a_transcript_asked_for_as_text_is_text(content_type: str) -> None:
    call = Call("openai", "", "openai.transcription", "", streamed=False, turns=())

    assert reply_to(call, b"hello there\n", content_type=content_type).parts == (Part(Kind.TEXT, "hello there\n"),)


def test_anthropics_tokens_of_thought_are_counted() -> None:
    usage = anthropic_usage({"input_tokens": 3, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 5}})

    assert usage == Usage(3, 9, reasoning_tokens=5)


def test_mistrals_cached_tokens_are_counted() -> None:
    assert usage_of({"prompt_tokens": 64, "completion_tokens": 6, "num_cached_tokens": 32}).cached_tokens == 32


def test_coheres_tokens_of_thought_are_counted() -> None:
    usage = {"tokens": {"input_tokens": 267, "output_tokens": 91, "reasoning_tokens": 58}, "cached_tokens": 144}

    assert cohere_usage(usage) == Usage(267, 91, reasoning_tokens=58, cached_tokens=144)


def test_what_vertex_embeds_is_counted_text_by_text() -> None:
    texts = [{"embeddings": {"values": [0.1], "statistics": {"token_count": tokens}}} for tokens in (3, 4)]

    assert vertex_predict.parse_reply({"predictions": texts}).usage == Usage(input_tokens=7)
