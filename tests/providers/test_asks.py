"""What a client's message in a WebSocket does, as rights and rules see it: has a model called, or feeds a call; which models it names."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.providers.call import Kind
from addons.providers.conversation import Step
from addons.providers.doors import conversation, parse_call
from addons.providers.paths import models_in
from addons.providers.wire import WireRequest

PATHS = {
    "realtime": ("openai", "/v1/realtime"),
    "codex": ("openai", "/v1/responses"),
    "live": ("gemini", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"),
    "unknown": ("generic", "/socket"),
}
TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
TRANSCRIPT = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}


def asked(format_, message, *, is_text=True):
    provider, path = PATHS[format_]
    reader = conversation(parse_call(provider, WireRequest("GET", path)))
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    reader.take(content, is_text=is_text, from_client=True)
    return reader.ask


@pytest.mark.parametrize(
    ("format_", "message", "step", "model", "others"),
    [
        ("realtime", {"type": "session.update", "session": {"model": "gpt-a"}}, Step.CALL, "gpt-a", ()),
        ("realtime", {"type": "session.update", "session": TRANSCRIPT}, Step.CALL, "", ("whisper-1",)),
        ("realtime", {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "whisper-1"}}}, Step.CALL, "", ("whisper-1",)),
        ("realtime", {"type": "response.create"}, Step.CALL, "", ()),
        ("realtime", {"type": "response.create", "response": {"model": "gpt-a"}, "model": "gpt-b"}, Step.CALL, "gpt-b", ("gpt-a",)),
        ("realtime", {"type": "conversation.item.create", "item": TEXT}, Step.FEED, "", ()),
        ("realtime", {"type": "input_audio_buffer.append", "audio": "AAAA"}, Step.FEED, "", ()),
        ("realtime", {"type": "of.tomorrow"}, Step.CALL, "", ()),
        ("realtime", {"type": ["response.create"]}, Step.CALL, "", ()),
        ("codex", {"type": "response.create", "model": "gpt-5-codex", "input": [TEXT]}, Step.CALL, "gpt-5-codex", ()),
        ("codex", {"type": "response.processed", "response_id": "r"}, Step.FEED, "", ()),
        ("live", {"setup": {"model": "models/gemini-live"}}, Step.CALL, "gemini-live", ()),
        ("live", {"setup": {"model": "projects/p/locations/l/publishers/google/models/gemini-live"}}, Step.CALL, "gemini-live", ()),
        ("live", {"clientContent": {"turns": []}}, Step.CALL, "", ()),
        ("live", {"tool_response": {"function_responses": []}}, Step.CALL, "", ()),
        ("live", {"realtimeInput": {"text": "hello"}}, Step.CALL, "", ()),
        ("live", {"realtime_input": {"audio": {"data": "AAAA", "mimeType": "audio/pcm"}}}, Step.FEED, "", ()),
        ("live", {}, Step.CALL, "", ()),
        ("unknown", {"model": "gpt-a"}, Step.CALL, "gpt-a", ()),
    ],
)  # fmt: skip
def test_what_a_message_does_and_which_models_it_names(format_, message, step, model, others):
    ask = asked(format_, message)

    assert (ask.step, ask.model, ask.others, ask.clear) == (step, model, others, True)


def test_a_request_is_read_whole_however_it_is_put():
    hidden = {"type": "response.create", "response": {"instructions": "open"}, "instructions": "beside it"}

    assert [part.content for part in asked("codex", hidden).parts if part.kind is Kind.TEXT] == ["open", "beside it"]


@pytest.mark.parametrize(
    ("format_", "is_text", "clear"),
    [("realtime", True, False), ("live", False, False), ("unknown", True, True), ("unknown", False, False)],
)
@pytest.mark.parametrize("content", [b"hello", b"[1]", b"", b'{"type":'])
def test_what_cannot_be_told_is_said_to_be_so(format_, content, *, is_text, clear):
    ask = asked(format_, content, is_text=is_text)

    assert (ask.step, ask.clear) == (Step.CALL, clear)


@pytest.mark.parametrize("format_", PATHS)
@given(content=st.binary() | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["type", "session", "setup", "audio", "response", "model", "item"]), x)).map(lambda v: json.dumps(v).encode()))  # fmt: skip
def test_any_message_is_one_or_the_other(format_, content):
    assert asked(format_, content).step in Step


@pytest.mark.parametrize(
    ("query", "models"),
    [("model=a", ("a",)), ("x=1&deployment=a%20b", ("a b",)), ("model=a&model=a", ("a",)), ("model=a&model=b", ("a", "b")), ("xmodel=a", ()), ("", ())],
)  # fmt: skip
def test_the_models_that_an_address_names(query, models):
    assert models_in(query) == models
