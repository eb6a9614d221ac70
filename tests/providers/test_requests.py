"""Requests: what stands in which turn, in which order, and that nothing said is lost."""

import json

import orjson
import pytest

from addons.providers.call import Call, Kind, Part
from addons.providers.doors import parse_call
from addons.providers.json_values import dumps
from addons.providers.wire import WireRequest


def asked(provider: str, path: str, body: object, *, query: str = "") -> Call:
    return parse_call(
        provider, WireRequest("POST", path, query, (("content-type", "application/json"),), orjson.dumps(body))
    )


def rows(call: Call) -> list[tuple[str, str, str, str]]:
    """(pointer, role, kind, content) of each part."""
    return [(turn.pointer, turn.role, part.kind.value, part.content) for turn in call.turns for part in turn.parts()]


CHAT = {
    "model": "gpt-test",
    "stream": True,
    "temperature": 0.5,
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "Hi"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"a": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ],
}


def test_tools_come_first_and_then_the_messages_in_order() -> None:
    assert rows(asked("openai", "/v1/chat/completions", CHAT)) == [
        ("/tools", "system", "other", '[{"type":"function","function":{"name":"f"}}]'),
        ("/messages/0", "system", "text", "Be brief."),
        ("/messages/1", "user", "text", "Hi"),
        ("/messages/1", "user", "other", "ann"),
        ("/messages/2", "assistant", "tool_call", '{"a": 1}'),
        ("/messages/3", "tool", "tool_result", "42"),
    ]


def test_the_rest_of_a_request_is_its_parameters() -> None:
    call = asked("openai", "/v1/chat/completions", CHAT)

    assert (
        call.provider, call.operation, call.endpoint, call.model, call.streamed, call.parameters,
    ) == ("openai", "chat", "openai.chat", "gpt-test", True, {"temperature": 0.5})  # fmt: skip


def test_a_call_and_its_result_are_paired_by_id() -> None:
    turns = asked("openai", "/v1/chat/completions", CHAT).turns

    assert [turns[3].parts()[0].call_id, turns[4].parts()[0].call_id] == ["c1", "c1"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ()),
        (None, ()),
        ("hi", (Part(Kind.TEXT, "hi"),)),
        (["a", {"type": "text", "text": "b"}], (Part(Kind.TEXT, "a"), Part(Kind.TEXT, "b"))),
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}}],
            (Part(Kind.IMAGE, "iVBO", media_type="image/png", base64=True),),
        ),
        (
            [{"type": "image_url", "image_url": "https://example.org/a.png"}],
            (Part(Kind.IMAGE, "https://example.org/a.png"),),
        ),
        (
            [{"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}],
            (Part(Kind.AUDIO, "UklG", media_type="audio/wav", base64=True),),
        ),
        (
            [{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}}],
            (Part(Kind.DOCUMENT, "JVBE", name="a.pdf", media_type="application/pdf", base64=True),),
        ),
        ([{"type": "file", "file": {"file_id": "file-1"}}], (Part(Kind.DOCUMENT, "file-1"),)),
        (
            [{"type": "video_url", "video_url": {"url": "https://example.org/v"}}],
            (Part(Kind.DOCUMENT, "https://example.org/v"),),
        ),
        (
            [{"type": "text", "text": "see", "extra": "hidden"}],
            (Part(Kind.TEXT, "see"), Part(Kind.OTHER, "hidden", name="extra")),
        ),
        (
            [{"type": "hologram", "beam": 1}],
            (Part(Kind.OTHER, '{"type":"hologram","beam":1}', media_type="application/json"),),
        ),
        ([7], (Part(Kind.OTHER, "7", media_type="application/json"),)),
        ({"odd": 1}, (Part(Kind.OTHER, '{"odd":1}', media_type="application/json"),)),
    ],
    ids=str,
)
def test_content_of_an_openai_message(content: object, expected: tuple[Part, ...]) -> None:
    call = asked("openai", "/v1/chat/completions", {"messages": [{"role": "user", "content": content}]})

    assert call.turns[0].parts() == expected


def test_a_key_of_a_message_that_is_not_known_is_not_lost() -> None:
    call = asked(
        "openai", "/v1/chat/completions", {"messages": [{"role": "user", "content": "a", "whisper": {"b": 1}}]}
    )

    assert call.turns[0].parts()[1] == Part(Kind.OTHER, '{"b":1}', name="whisper")


def test_an_anthropic_request_has_tools_then_system_then_messages() -> None:
    body = {
        "model": "claude-test",
        "max_tokens": 5,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "f"}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": "no"},
                    {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "yes"}]},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
                    {
                        "type": "document",
                        "title": "T",
                        "source": {"type": "text", "media_type": "text/plain", "data": "doc"},
                    },
                    {"type": "document", "source": {"type": "url", "url": "https://example.org/d.pdf"}},
                    {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
                    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
                ],
            },
        ],
    }

    assert rows(asked("anthropic", "/v1/messages", body)) == [
        ("/tools", "system", "other", '[{"name":"f"}]'),
        ("/system", "system", "text", "Be brief."),
        ("/messages/0", "user", "text", "Hi"),
        ("/messages/1", "assistant", "tool_call", '{"a":1}'),
        ("/messages/2", "user", "tool_result", "no"),
        ("/messages/2", "user", "tool_result", "yes"),
        ("/messages/2", "user", "image", "iVBO"),
        ("/messages/2", "user", "document", "doc"),
        ("/messages/2", "user", "document", "https://example.org/d.pdf"),
        ("/messages/2", "user", "document", "file_1"),
        ("/messages/2", "user", "text", "inner"),
    ]


def test_a_responses_request_keeps_what_it_goes_on_from_as_a_parameter() -> None:
    body = {
        "model": "gpt-test",
        "instructions": "Be brief.",
        "previous_response_id": "resp_1",
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_image", "image_url": "https://a/b"}],
            },
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "43"}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
            {
                "type": "computer_call_output",
                "call_id": "c3",
                "output": {"type": "computer_screenshot", "image_url": "https://s"},
            },
            {"type": "item_reference", "id": "msg_1"},
        ],
    }
    call = asked("openai", "/v1/responses", body)

    assert call.parameters == {"previous_response_id": "resp_1"}
    assert rows(call) == [
        ("/instructions", "system", "text", "Be brief."),
        ("/input/0", "user", "text", "Hi"),
        ("/input/0", "user", "image", "https://a/b"),
        ("/input/1", "assistant", "tool_call", "{}"),
        ("/input/2", "tool", "tool_result", "42"),
        ("/input/3", "tool", "tool_result", "43"),
        ("/input/4", "assistant", "reasoning", "gAAA"),
        ("/input/5", "tool", "image", "https://s"),
        ("/input/6", "assistant", "other", '{"type":"item_reference","id":"msg_1"}'),
    ]


def test_a_gemini_request_in_either_spelling() -> None:
    camel = {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}]},
            {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"r": 2}}}]},
            {"role": "user", "parts": [{"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}]},
        ],
    }
    snake = json.loads(
        json.dumps(camel)
        .replace("inlineData", "inline_data")
        .replace("mimeType", "mime_type")
        .replace("functionCall", "function_call")
        .replace("functionResponse", "function_response")
        .replace("fileData", "file_data")
        .replace("fileUri", "file_uri")
    )
    calls = [asked("gcp.gemini", "/v1beta/models/gemini-test:streamGenerateContent", body) for body in (camel, snake)]

    assert (calls[0].model, calls[0].streamed, calls[0].operation) == ("gemini-test", True, "generate_content")
    assert rows(calls[0]) == rows(calls[1])
    assert rows(calls[0]) == [
        ("/systemInstruction", "system", "text", "Be brief."),
        ("/contents/0", "user", "text", "Hi"),
        ("/contents/0", "user", "image", "iVBO"),
        ("/contents/1", "model", "tool_call", '{"a":1}'),
        ("/contents/2", "user", "tool_result", '{"r":2}'),
        ("/contents/3", "user", "document", "https://youtu.be/x"),
    ]


def test_a_converse_request() -> None:
    body = {
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]},
        "inferenceConfig": {"maxTokens": 5},
        "messages": [
            {
                "role": "user",
                "content": [{"text": "Hi"}, {"document": {"format": "pdf", "name": "D", "source": {"bytes": "JVBE"}}}],
            },
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}}]},
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"r": 2}}, {"text": "x"}]}}],
            },
        ],
    }
    call = asked("aws.bedrock", "/model/anthropic.claude-v2%3A1/converse-stream", body)

    assert (
        call.model,
        call.streamed,
        call.parameters,
    ) == ("anthropic.claude-v2:1", True, {"inferenceConfig": {"maxTokens": 5}})
    assert rows(call) == [
        ("/toolConfig/tools", "system", "other", '[{"toolSpec":{"name":"f"}}]'),
        ("/system", "system", "text", "Be brief."),
        ("/messages/0", "user", "text", "Hi"),
        ("/messages/0", "user", "document", "JVBE"),
        ("/messages/1", "assistant", "tool_call", '{"a":1}'),
        ("/messages/2", "user", "tool_result", '{"r":2}'),
        ("/messages/2", "user", "tool_result", "x"),
    ]


MESSAGES = [{"role": "user", "content": "Hi"}]
PATHS = {
    "azure": ("azure.ai.openai", "/openai/deployments/gpt-4o/chat/completions", {"messages": MESSAGES}, "openai.chat", "gpt-4o"),
    "a prefix": ("openrouter", "/api/v1/chat/completions", {"model": "m", "messages": MESSAGES}, "openai.chat", "m"),
    "claude on vertex": (
        "gcp.vertex_ai",
        "/v1/projects/p/locations/l/publishers/anthropic/models/claude-test:rawPredict",
        {"anthropic_version": "vertex-2023-10-16", "messages": MESSAGES},
        "anthropic.messages",
        "claude-test",
    ),
    "claude on bedrock": (
        "aws.bedrock",
        "/model/us.anthropic.claude-test/invoke",
        {"anthropic_version": "bedrock-2023-05-31", "messages": MESSAGES},
        "anthropic.messages",
        "us.anthropic.claude-test",
    ),
    "nova on bedrock": (
        "aws.bedrock",
        "/model/amazon.nova-lite-v1%3A0/invoke",
        {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
        "bedrock.converse",
        "amazon.nova-lite-v1:0",
    ),
    "command r on bedrock, its message alone": (
        "aws.bedrock", "/model/cohere.command-r/invoke", {"message": "Hi"}, "cohere.chat_v1", "cohere.command-r",
    ),
    "llama on bedrock": ("aws.bedrock", "/model/meta.llama3/invoke", {"prompt": "Hi"}, "text.completion", "meta.llama3"),
    "command on bedrock": (
        "aws.bedrock", "/model/cohere.command-r/invoke", {"message": "Hi", "max_tokens": 5}, "cohere.chat_v1", "cohere.command-r",
    ),
    "databricks": ("databricks", "/serving-endpoints/dbrx/invocations", {"messages": MESSAGES}, "openai.chat", "dbrx"),
    "cohere": ("cohere", "/v2/chat", {"model": "command-a", "messages": MESSAGES}, "cohere.chat", "command-a"),
    "cohere, version 1": ("cohere", "/v1/chat", {"model": "command", "message": "Hi"}, "cohere.chat_v1", "command"),
    "ollama": ("ollama", "/api/chat", {"model": "llama3", "messages": MESSAGES}, "ollama.chat", "llama3"),
    "ollama, generate": ("ollama", "/api/generate", {"model": "llama3", "prompt": "Hi"}, "text.completion", "llama3"),
    "completions": ("openai", "/v1/completions", {"model": "m", "prompt": ["Hi"]}, "text.completion", "m"),
    "embeddings": ("openai", "/v1/embeddings", {"model": "e", "input": "Hi"}, "embeddings", "e"),
    "embeddings of gemini": (
        "gcp.gemini",
        "/v1beta/models/e:batchEmbedContents",
        {"requests": [{"model": "models/e", "content": {"parts": [{"text": "Hi"}]}}]},
        "embeddings",
        "e",
    ),
    "speech": ("openai", "/v1/audio/speech", {"model": "tts", "input": "Hi"}, "openai.speech", "tts"),
    "images": ("openai", "/v1/images/generations", {"model": "i", "prompt": "Hi"}, "openai.images", "i"),
    "moderations": ("openai", "/v1/moderations", {"model": "m", "input": [{"type": "text", "text": "Hi"}]}, "openai.moderations", "m"),
    "rerank": ("cohere", "/v2/rerank", {"model": "r", "query": "Hi", "documents": []}, "rerank", "r"),
    "count tokens": ("anthropic", "/v1/messages/count_tokens", {"model": "c", "messages": MESSAGES}, "anthropic.count_tokens", "c"),
    "count tokens of gemini": (
        "gcp.gemini", "/v1/models/g:countTokens", {"contents": [{"parts": [{"text": "Hi"}]}]}, "gemini.count_tokens", "g",
    ),
    "an unknown path": ("openai_compatible", "/ask", {"model": "m", "messages": MESSAGES}, "openai.chat", "m"),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "path", "body", "endpoint", "model"), PATHS.values(), ids=PATHS)
def test_what_is_asked_is_found_by_path_or_by_shape(
    provider: str, path: str, body: object, endpoint: str, model: str
) -> None:
    call = asked(provider, path, body)

    assert (call.endpoint, call.model, [part.content for turn in call.turns for part in turn.parts()]) == (
        endpoint,
        model,
        ["Hi"],
    )


def test_the_model_that_answers_counts_not_the_one_the_body_names() -> None:
    """Else a body could name a model that a policy allows, and the path one that it does not."""
    call = asked(
        "azure.ai.openai",
        "/openai/deployments/gpt-large/chat/completions",
        {"model": "gpt-small", "messages": MESSAGES},
    )

    assert (call.model, call.parameters) == ("gpt-large", {"model": "gpt-small"})


def test_a_slash_at_the_end_of_a_path_changes_nothing() -> None:
    assert asked("openai", "/v1/chat/completions/", {"messages": MESSAGES}).endpoint == "openai.chat"


def test_a_batch_is_read_request_by_request() -> None:
    one = {"model": "claude-test", "max_tokens": 5, "messages": MESSAGES}
    call = asked(
        "anthropic", "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": one}, {"params": one}]}
    )

    assert (call.endpoint, call.model) == ("anthropic.batches", "claude-test")
    assert rows(call) == [
        ("/requests/0/params/messages/0", "user", "text", "Hi"),
        ("/requests/1/params/messages/0", "user", "text", "Hi"),
    ]


def test_a_batch_of_gemini_is_read_request_by_request() -> None:
    one = {"request": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}}
    body = {"batch": {"inputConfig": {"requests": {"requests": [one]}}}}
    call = asked("gcp.gemini", "/v1beta/models/g:batchGenerateContent", body)

    assert call.model == "g"
    assert rows(call) == [("/batch/inputConfig/requests/requests/0/request/contents/0", "user", "text", "Hi")]


def test_a_request_to_interactions() -> None:
    body = {
        "model": "g",
        "system_instruction": "Be brief.",
        "previous_interaction_id": "v1_x",
        "input": [
            {"type": "text", "text": "Hi"},
            {"type": "image", "uri": "https://a/b.png", "mime_type": "image/png"},
            {"type": "function_result", "call_id": "f1", "name": "weather", "result": "rain"},
            {"role": "user", "content": [{"type": "text", "text": "And?"}]},
        ],
    }
    call = asked("gcp.gemini", "/v1beta/interactions", body)

    assert call.parameters == {"previous_interaction_id": "v1_x"}
    assert rows(call) == [
        ("/system_instruction", "system", "text", "Be brief."),
        ("/input/0", "user", "text", "Hi"),
        ("/input/1", "user", "image", "https://a/b.png"),
        ("/input/2", "user", "tool_result", "rain"),
        ("/input/3", "user", "text", "And?"),
    ]


def test_a_run_with_a_new_thread() -> None:
    body = {
        "assistant_id": "asst_1",
        "instructions": "Be brief.",
        "thread": {"messages": [{"role": "user", "content": "Hi"}]},
        "additional_messages": [{"role": "user", "content": "And?"}],
    }
    call = asked("openai", "/v1/threads/runs", body)

    assert (call.endpoint, call.operation, call.parameters) == (
        "openai.assistants",
        "invoke_agent",
        {"assistant_id": "asst_1"},
    )
    assert [content for _, _, _, content in rows(call)] == ["Be brief.", "Hi", "And?"]


def test_what_tools_answered_to_a_run() -> None:
    call = asked(
        "openai", "/v1/threads/t/runs/r/submit_tool_outputs", {"tool_outputs": [{"tool_call_id": "c1", "output": "42"}]}
    )

    assert call.turns[0].parts() == (Part(Kind.TOOL_RESULT, "42", call_id="c1"),)


def test_a_prediction_of_vertex_ai() -> None:
    instances = [
        {"prompt": "a cat", "image": {"bytesBase64Encoded": "iVBO", "mimeType": "image/png"}},
        {"features": [1]},
    ]
    path = "/v1/projects/p/locations/l/publishers/google/models/imagen:predict"
    call = asked("gcp.vertex_ai", path, {"instances": instances})

    assert call.model == "imagen"
    assert [content for _, _, _, content in rows(call)] == ["a cat", "iVBO", "[1]"]


def test_a_tool_call_to_an_mcp_server() -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 3,
        "method": "tools/call",
        "params": {"name": "query", "arguments": {"sql": "SELECT 1"}},
    }
    call = asked("mcp", "/mcp", body)

    assert (call.endpoint, call.operation) == ("mcp", "execute_tool")
    assert call.turns[0].parts() == (Part(Kind.TOOL_CALL, '{"sql":"SELECT 1"}', name="query", call_id="3"),)


@pytest.mark.parametrize(
    ("method", "params", "content"),
    [
        ("resources/read", {"uri": "file:///srv/plan.md"}, '{"uri":"file:///srv/plan.md"}'),
        ("prompts/get", {"name": "review", "arguments": {"of": "x"}}, '{"name":"review","arguments":{"of":"x"}}'),
    ],
)
def test_what_else_is_fetched_from_an_mcp_server_is_a_call_too(method: str, params: object, content: str) -> None:
    call = asked("mcp", "/mcp", {"jsonrpc": "2.0", "id": 4, "method": method, "params": params})

    assert call.turns[0].parts() == (Part(Kind.TOOL_CALL, content, name=method, call_id="4"),)


@pytest.mark.parametrize("provider", ["mcp", "generic"])
def test_each_message_of_an_mcp_batch_is_read(provider: str) -> None:
    messages = [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "query", "arguments": {"sql": "DROP"}}},
        {"jsonrpc": "2.0", "id": 9, "result": {"content": [{"type": "text", "text": "done"}]}},
    ]
    call = asked(provider, "/mcp", messages)

    assert (call.endpoint, call.operation) == ("mcp", "execute_tool")
    assert [row[:3] for row in rows(call)] == [
        ("/0", "assistant", "other"),
        ("/1", "assistant", "tool_call"),
        ("/2", "tool", "tool_result"),
    ]


def test_a_list_that_is_no_mcp_batch_is_recorded_whole() -> None:
    call = asked("mcp", "/mcp", [{"jsonrpc": "2.0", "method": "ping"}, 1])

    assert [row[2:] for row in rows(call)] == [("other", '[{"jsonrpc":"2.0","method":"ping"},1]')]


def test_mistrals_agents_are_asked_in_chats_words() -> None:
    call = asked(
        "mistral", "/v1/agents/completions", {"agent_id": "a", "messages": [{"role": "user", "content": "Hi"}]}
    )

    assert (call.endpoint, call.model) == ("openai.chat", "")
    assert rows(call) == [("/messages/0", "user", "text", "Hi")]


@pytest.mark.parametrize(
    ("provider", "path", "model"),
    [
        ("azure_ai", "/models/chat/completions", "said"),
        ("vertex", "/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "said"),
        ("vertex", "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", "said"),
        ("vertex", "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4:rawPredict", "claude-opus-4"),
        ("azure", "/openai/deployments/mine/chat/completions", "mine"),
        ("huggingface", "/models/Qwen/Qwen2/v1/chat/completions", "Qwen/Qwen2"),
        ("huggingface", "/models/HuggingFaceH4/zephyr-7b-beta", "HuggingFaceH4/zephyr-7b-beta"),
        ("huggingface", "/models/gpt2", "gpt2"),
        ("replicate", "/v1/models/meta/llama-3/predictions", "meta/llama-3"),
        ("bedrock", "/model/anthropic.claude/invoke", "anthropic.claude"),
    ],
)
def test_a_path_names_the_model_only_where_it_does(provider: str, path: str, model: str) -> None:
    assert asked(provider, path, {"model": "said", "messages": [{"role": "user", "content": "Hi"}]}).model == model


@pytest.mark.parametrize("key", ["inputConfig", "input_config"])
def test_geminis_batch_is_read_in_either_spelling(key: str) -> None:
    inner = {"request": {"contents": [{"parts": [{"text": "Hi"}]}]}, "metadata": {"key": "1"}}
    call = asked(
        "gemini", "/v1beta/models/g:batchGenerateContent", {"batch": {key: {"requests": {"requests": [inner]}}}}
    )

    assert rows(call) == [(f"/batch/{key}/requests/requests/0/request/contents/0", "user", "text", "Hi")]


def test_a_body_that_its_endpoint_does_not_know_is_recorded_whole_under_its_name() -> None:
    call = asked("openai", "/v1/chat/completions", {"model": "m", "prompt": "Hi"})

    assert (call.endpoint, call.model) == ("openai.chat", "m")
    assert rows(call) == [("", "user", "other", '{"model":"m","prompt":"Hi"}')]


@pytest.mark.parametrize(
    ("content_type", "body", "parts"),
    [
        ("application/json", b"", ()),
        ("application/json", b'{"a":', (Part(Kind.OTHER, '{"a":', media_type="application/json"),)),
        ("application/json", b'{"a":1}', (Part(Kind.OTHER, '{"a":1}', media_type="application/json"),)),
        ("text/plain", b"hello", (Part(Kind.OTHER, "hello", media_type="text/plain"),)),
        ("text/plain", b"caf\xe9", (Part(Kind.OTHER, "caf\ufffd", media_type="text/plain"),)),
        (
            "application/octet-stream",
            b"\x00\xff",
            (Part(Kind.OTHER, "AP8=", media_type="application/octet-stream", base64=True),),
        ),
        ("audio/wav", b"\x00\xff", (Part(Kind.AUDIO, "AP8=", media_type="audio/wav", base64=True),)),
        (
            "application/x-www-form-urlencoded",
            b"a=1&b=x+y",
            (Part(Kind.OTHER, "1", name="a"), Part(Kind.OTHER, "x y", name="b")),
        ),
    ],
)
def test_an_unknown_body_is_recorded_whole(content_type: str, body: bytes, parts: tuple[Part, ...]) -> None:
    call = parse_call("generic", WireRequest("POST", "/x", "", (("content-type", content_type),), body))

    assert ("generic", parts) == (call.endpoint, tuple(part for turn in call.turns for part in turn.parts()))


def test_an_upload_is_one_part_a_field() -> None:
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nHi\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="notes.txt"\r\nContent-Type: text/plain\r\n\r\nabc\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n\xff\xfb\r\n'
        b"--xyz--\r\n"
    )
    headers = (("Content-Type", 'multipart/form-data; charset=utf-8; boundary="xyz"'),)
    call = parse_call("openai", WireRequest("POST", "/v1/audio/transcriptions", "", headers, body))

    assert (call.endpoint, call.model) == ("openai.transcription", "whisper-1")
    assert [part for turn in call.turns for part in turn.parts()] == [
        Part(Kind.OTHER, "whisper-1", name="model"),
        Part(Kind.TEXT, "Hi", name="prompt"),
        Part(Kind.DOCUMENT, "abc", name="notes.txt", media_type="text/plain"),
        Part(Kind.AUDIO, "//s=", name="a.mp3", media_type="audio/mpeg", base64=True),
    ]


@pytest.mark.parametrize(
    "body",
    [b'{"messages":[{"role":"user","content":"\\ud800"}]}', b'\xef\xbb\xbf{"messages":[{"role":"user","content":"a"}]}',
     b'{"messages":[{"role":"user","content":"\xff"}]}', b'{"messages":[{"role":"user","content":"a"}],"top_p":NaN}',
     b'{"messages":[{"role":"user","content":"a"}],"seed":123456789012345678901234567890}'],
    ids=["half a surrogate", "a byte order mark", "broken UTF-8", "NaN", "a huge number"],
)  # fmt: skip
def test_json_as_it_should_not_be_is_read_all_the_same(body: bytes) -> None:
    call = parse_call("openai", WireRequest("POST", "/v1/chat/completions", "", (), body))

    assert call.turns[0].pointer == "/messages/0"
    assert dumps(call.turns[0].raw).decode() == orjson.dumps(call.turns[0].raw).decode()


def test_a_body_deeper_than_json_may_be_written_is_still_written() -> None:
    deep = b'{"messages":[{"role":"user","content":' + b"[" * 600 + b"]" * 600 + b"}]}"
    call = parse_call("openai", WireRequest("POST", "/v1/chat/completions", "", (), deep))

    assert dumps(call.turns[0].raw).count(b"[") == 600


def test_a_key_in_the_query_is_in_no_repr() -> None:
    request = WireRequest(
        "POST", "/v1beta/models/g:generateContent", "key=AIzaSecret", (("x-api-key", "sk-secret"),), b"secret"
    )

    assert "ecret" not in repr(request)
