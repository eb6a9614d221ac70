"""What a provider keeps: the endpoint is named, and a model's replies inside an answer are read as such."""

import json

import pytest

from addons.providers.call import Kind
from addons.providers.doors import parse_call, parse_reply
from addons.providers.wire import WireReply, WireRequest

CHAT = {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "four"}}]}
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "four"}, {"type": "tool_use", "id": "t1", "name": "add", "input": {}}]}  # fmt: skip
GEMINI = {"candidates": [{"content": {"parts": [{"text": "four"}]}}]}


def lines(*values):
    return "".join(json.dumps(value) + "\n" for value in values).encode()


ANSWERS = {
    "Anthropic's results": ("anthropic", "/v1/messages/batches/b1/results", "application/x-jsonlines", lines({"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}})),
    "OpenAI's output file": ("openai", "/v1/files/f1/content", "application/x-ndjson", lines({"custom_id": "a", "response": {"status_code": 200, "body": CHAT}})),
    "Anthropic's results, as sent": ("anthropic", "/v1/messages/batches/b1/results", "application/x-jsonl", lines({"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}}, {"custom_id": "b", "result": {"type": "expired"}})),
    "OpenAI's output file, as sent": ("openai", "/v1/files/f1/content", "application/octet-stream", lines({"custom_id": "a", "response": {"status_code": 200, "body": CHAT}}, {"custom_id": "b", "response": None})),
    "Gemini's batch": ("gemini", "/v1beta/batches/b1", "application/json", json.dumps({"custom_id": "a", "output": {"inlinedResponses": {"inlinedResponses": [{"response": GEMINI}]}}}).encode()),
    "a stored response": ("openai", "/v1/responses/resp_1", "application/json", json.dumps({"object": "response", "id": "resp_1", "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "four"}]}]}).encode()),
    "a prediction": ("replicate", "/v1/predictions/p1", "application/json", json.dumps({"id": "p1", "custom_id": "a", "output": ["fo", "ur"]}).encode()),
    "a document read": ("mistral", "/v1/ocr", "application/json", json.dumps({"custom_id": "a", "pages": [{"markdown": "four"}]}).encode()),
    "a sound heard": ("deepgram", "/v1/listen", "application/json", json.dumps({"results": {"channels": [{"alternatives": [{"transcript": "four"}]}]}}).encode()),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "path", "kind", "body"), ANSWERS.values(), ids=ANSWERS)
def test_a_models_reply_inside_an_answer_is_read(provider, path, kind, body):
    call = parse_call(provider, WireRequest("GET" if "/ocr" not in path and "listen" not in path else "POST", path))

    reply = parse_reply(call, WireReply(200, (("content-type", kind),), body))

    assert call.endpoint != "generic"
    assert [part.content for part in reply.parts if part.kind is Kind.TEXT] == ["four"]
    assert "custom_id" not in body.decode() or any("custom_id" in part.content for part in reply.parts)


def test_a_file_of_lines_that_holds_no_replies_stays_one_file():
    call = parse_call("openai", WireRequest("GET", "/v1/files/f1/content"))
    body = lines({"messages": []}, {"messages": []})

    reply = parse_reply(call, WireReply(200, (("content-type", "application/octet-stream"),), body))

    assert [part.content for part in reply.parts] == [body.decode()]


def test_tool_calls_of_a_batch_are_tool_calls():
    call = parse_call("anthropic", WireRequest("GET", "/v1/messages/batches/b1/results"))
    body = lines({"custom_id": "a", "result": {"message": MESSAGE}}, {"custom_id": "b", "result": {"message": MESSAGE}})

    reply = parse_reply(call, WireReply(200, (("content-type", "application/x-jsonlines"),), body))

    assert [part.name for part in reply.parts if part.kind is Kind.TOOL_CALL] == ["add", "add"]


NAMED = {
    "files": ("openai", "GET", "/v1/files"),
    "batches": ("openai", "POST", "/v1/batches/b1/cancel"),
    "models": ("openai", "GET", "/v1/models/ft:gpt-4o:org::id"),
    "vector_stores": ("openai", "POST", "/v1/vector_stores/vs_1/search"),
    "conversations": ("openai", "POST", "/v1/conversations"),
    "cached_contents": ("gemini", "DELETE", "/v1beta/cachedContents/c1"),
    "realtime.calls": ("openai", "POST", "/v1/realtime/client_secrets"),
    "openai.chat": ("openai", "POST", "/v1/chat/completions"),
    "gemini.generate": ("gemini", "POST", "/v1beta/models/gemini-2.5-pro:generateContent"),
}


@pytest.mark.parametrize(("provider", "method", "path"), NAMED.values(), ids=NAMED)
def test_a_path_names_what_it_touches(request, provider, method, path):
    assert parse_call(provider, WireRequest(method, path)).endpoint == request.node.callspec.id
