"""WebSocket conversations, message by message: what is told when, of whom, and what was counted. Total, whatever comes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.providers.call import Kind
from addons.providers.doors import conversation, parse_call
from addons.providers.wire import WireRequest

REALTIME = parse_call("openai", WireRequest("GET", "/v1/realtime"))
RESPONSES = parse_call("openai", WireRequest("GET", "/v1/responses"))
LIVE = parse_call(
    "gemini", WireRequest("GET", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent")
)


def hold(call, *messages):
    """Messages as ("client" | "server", value); what each told, and the reader."""
    reader = conversation(call)
    told = [
        reader.take(json.dumps(value).encode(), is_text=True, from_client=side == "client") for side, value in messages
    ]
    return [[(spoken.role, spoken.part.kind, spoken.part.content) for spoken in each] for each in told], reader


def server(**event):
    return ("server", event)


def client(**event):
    return ("client", event)


CALL_ITEM = {"id": "item_1", "type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"a":1}'}
SAID_ITEM = {
    "id": "item_2",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "audio", "transcript": "Hello."}],
}


def test_a_call_is_told_when_it_is_complete_and_not_again_at_the_answers_end():
    told, reader = hold(
        REALTIME,
        server(type="response.output_item.added", output_index=0, item={**CALL_ITEM, "arguments": ""}),
        server(type="response.function_call_arguments.delta", output_index=0, delta='{"a":1}'),
        server(type="response.output_item.done", output_index=0, item=CALL_ITEM),
        client(
            type="conversation.item.create",
            item={"type": "function_call_output", "call_id": "call_1", "output": "seen"},
        ),
        server(
            type="response.done",
            response={"status": "completed", "output": [CALL_ITEM], "usage": {"input_tokens": 3, "output_tokens": 4}},
        ),
    )

    assert told == [[], [], [("assistant", Kind.TOOL_CALL, '{"a":1}')], [("tool", Kind.TOOL_RESULT, "seen")], []]
    assert (reader.reply().usage.input_tokens, reader.reply().usage.output_tokens) == (3, 4)


def test_sound_is_one_part_beside_its_transcript_and_counts_add_up():
    answer = (
        server(type="response.output_audio.delta", delta="AAA="),
        server(type="response.output_audio.delta", delta="BBBB"),
        server(
            type="response.done", response={"output": [SAID_ITEM], "usage": {"input_tokens": 1, "output_tokens": 2}}
        ),
    )
    told, reader = hold(REALTIME, *answer, *answer)

    assert told[2] == [("assistant", Kind.TEXT, "Hello."), ("assistant", Kind.AUDIO, "AAAEEEE=")]
    assert told[5] == told[2]
    assert reader.reply().usage.output_tokens == 4


def test_what_a_person_said_is_theirs_also_where_the_provider_transcribed_it():
    told, _ = hold(
        REALTIME,
        client(type="input_audio_buffer.append", audio="AAAA"),
        server(type="conversation.item.input_audio_transcription.completed", transcript="hi"),
    )

    assert told == [[("user", Kind.AUDIO, "AAAA")], [("user", Kind.TEXT, "hi")]]


def test_a_whole_request_in_a_message_is_read_as_one_and_its_stream_as_one():
    told, reader = hold(
        RESPONSES,
        client(
            type="response.create",
            model="gpt-5",
            instructions="Be brief.",
            input=[{"role": "user", "content": "hi"}],
            previous_response_id="resp_0",
        ),
        server(type="response.output_item.done", output_index=0, item=CALL_ITEM),
        server(
            type="response.completed",
            response={
                "id": "resp_1",
                "model": "gpt-5",
                "status": "completed",
                "output": [CALL_ITEM],
                "usage": {"input_tokens": 9, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}},
            },
        ),
    )

    assert told[0][:2] == [("system", Kind.TEXT, "Be brief."), ("user", Kind.TEXT, "hi")]
    assert '"previous_response_id":"resp_0"' in told[0][2][2]
    assert told[1:] == [[("assistant", Kind.TOOL_CALL, '{"a":1}')], []]
    assert (reader.reply().model, reader.reply().usage.reasoning_tokens) == ("gpt-5", 2)


def test_an_empty_request_for_an_answer_is_told():
    told, _ = hold(REALTIME, client(type="response.create"))

    assert told == [[("user", Kind.OTHER, "{}")]]


def test_a_failure_is_told_and_named():
    told, reader = hold(
        REALTIME, server(type="error", error={"type": "invalid_request_error", "message": "no such voice"})
    )

    assert "no such voice" in told[0][0][2]
    assert reader.reply().error == "invalid_request_error"


def test_an_answer_that_was_cut_is_told_at_the_end():
    _, reader = hold(
        REALTIME,
        server(
            type="response.output_item.added",
            output_index=0,
            item={"id": "i", "type": "message", "role": "assistant", "content": []},
        ),
        server(type="response.output_text.delta", output_index=0, content_index=0, delta="half a sen"),
    )

    assert [spoken.part.content for spoken in reader.end()] == ["half a sen"]


def test_a_live_turn_is_told_when_it_is_complete():
    told, reader = hold(
        LIVE,
        client(
            setup={
                "model": "models/gemini-live",
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "tools": [{"functionDeclarations": []}],
            }
        ),
        client(realtimeInput={"audio": {"mimeType": "audio/pcm", "data": "AAAA"}}),
        server(serverContent={"inputTranscription": {"text": "hel"}}),
        server(serverContent={"inputTranscription": {"text": "lo"}}),
        server(serverContent={"modelTurn": {"parts": [{"text": "hm", "thought": True}]}}),
        server(toolCall={"functionCalls": [{"id": "c1", "name": "look", "args": {"a": 1}}]}),
        client(toolResponse={"functionResponses": [{"id": "c1", "name": "look", "response": {"output": "seen"}}]}),
        server(
            serverContent={
                "modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "BBBB"}}]},
                "outputTranscription": {"text": "I see."},
            }
        ),
        server(
            serverContent={"turnComplete": True},
            usageMetadata={"promptTokenCount": 7, "responseTokenCount": 8, "thoughtsTokenCount": 2},
        ),
    )

    assert [kind for each in told[:2] for _, kind, _ in each] == [Kind.TEXT, Kind.OTHER, Kind.OTHER, Kind.AUDIO]
    assert told[5] == [
        ("user", Kind.TEXT, "hello"),
        ("assistant", Kind.REASONING, "hm"),
        ("assistant", Kind.TOOL_CALL, '{"a":1}'),
    ]
    assert told[6] == [("tool", Kind.TOOL_RESULT, '{"output":"seen"}')]
    assert told[8] == [("assistant", Kind.TEXT, "I see."), ("assistant", Kind.AUDIO, "BBBB")]
    reply = reader.reply()
    assert (reply.model, reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.reasoning_tokens) == (
        "gemini-live",
        7,
        8,
        2,
    )


def test_json_in_binary_messages_is_read_and_other_bytes_are_kept():
    reader = conversation(LIVE)

    said = reader.take(
        b'{"clientContent":{"turns":[{"role":"user","parts":[{"text":"hi"}]}]}}', is_text=False, from_client=True
    )
    kept = reader.take(b"\xff\x00", is_text=False, from_client=False)

    assert [spoken.part.content for spoken in said] == ["hi"]
    assert [(spoken.role, spoken.part.base64) for spoken in kept] == [("assistant", True)]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "item",
                    "response",
                    "session",
                    "delta",
                    "audio",
                    "content",
                    "output",
                    "usage",
                    "error",
                    "setup",
                    "clientContent",
                    "realtimeInput",
                    "toolResponse",
                    "serverContent",
                    "modelTurn",
                    "parts",
                    "toolCall",
                    "functionCalls",
                    "transcript",
                    "turns",
                    "id",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
kinds = st.sampled_from(
    [
        "response.create",
        "response.done",
        "response.completed",
        "response.output_item.done",
        "response.output_item.added",
        "response.output_text.delta",
        "response.output_audio.delta",
        "session.update",
        "conversation.item.create",
        "input_audio_buffer.append",
        "error",
        "x",
    ]
)


@pytest.mark.parametrize("call", [REALTIME, RESPONSES, LIVE], ids=lambda call: call.endpoint)
@given(messages=st.lists(st.tuples(st.booleans(), kinds, values), max_size=8))
def test_no_message_makes_a_reader_fail_and_what_a_client_sends_is_always_told(call, messages):
    reader = conversation(call)

    for from_client, kind, value in messages:
        body = {**value, "type": kind} if isinstance(value, dict) else value
        told = reader.take(json.dumps(body).encode(), is_text=True, from_client=from_client)
        assert told or not from_client
    reader.end()
    reader.reply()
