"""Real replies, read by the room and by a few naive lines that share no code with it: text, tools and counts agree."""

import json
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from addons.providers.call import Kind
from addons.providers.doors import stream_parser
from addons.providers.wire import header
from tests.wire import recordings
from tests.wire.recordings import Recording

pytestmark = pytest.mark.skipif(
    not recordings.FILE.exists(), reason="the recordings (../shared/wire) are not part of the repository"
)

READ_APIS = frozenset({
    "openai.assistants", "openai.chat", "openai.responses", "openai.completions", "openai.embeddings", "openai.images", "openai.moderations",
    "anthropic.messages", "anthropic.complete", "anthropic.count_tokens", "gemini.generateContent",
    "gemini.streamGenerateContent", "gemini.batchEmbedContents", "gemini.countTokens", "gemini.interactions", "anthropic.batches", "vertex.predict", "vertex.rawPredict",
    "vertex.streamRawPredict", "bedrock.converse", "bedrock.converse-stream", "ollama.chat", "ollama.generate",
    "ollama.embed", "cohere.v1.chat", "cohere.v2.chat", "cohere.v2.embed", "cohere.v2.rerank", "mcp.jsonrpc", "writer.chat",
})  # fmt: skip


@pytest.fixture(scope="module")
def recorded() -> list[Recording]:
    return list(recordings.load())


def events(recording: Recording) -> Iterator[Any]:
    """The JSON values of a reply, whichever way it is framed."""
    body = recording.reply.body
    if recording.framing == "aws_eventstream":
        yield from frames(body)
        return
    try:
        value = json.loads(body)
    except ValueError:
        for line in body.decode("utf-8", errors="replace").replace("\r\n", "\n").split("\n"):
            text = line.removeprefix("data:").strip()
            if text.startswith("{"):
                yield json.loads(text)
    else:
        yield from value if isinstance(value, list) else [value]


def frames(body: bytes) -> Iterator[Any]:
    while len(body) > 16:
        total, headers = struct.unpack(">II", body[:8])
        yield json.loads(body[12 + headers : total - 4])
        body = body[total:]


def at(value: Any, *keys: str | int) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def deltas(event: Any) -> Iterator[Any]:
    for choice in at(event, "choices") or []:
        yield choice.get("message") or choice.get("delta") or {"content": choice.get("text")}


def naive_text(recording: Recording) -> str:
    said = ""
    for event in events(recording):
        for choice in at(event, "choices") or []:
            if recording.framing == "sse" and "delta" in choice:
                choice.pop("message", None)  # Perplexity repeats in each event all that was said so far
        said += "".join(TEXT[recording.api](event))
    return said


def chat_text(event: Any) -> Iterator[str]:
    yield at(event, "value") or ""  # Writer's
    for delta in deltas(event):
        content = delta.get("content")
        yield content if isinstance(content, str) else ""
        for entry in content if isinstance(content, list) else []:
            yield entry.get("text") or ""
        yield at(delta, "audio", "transcript") or ""


def anthropic_text(event: Any) -> Iterator[str]:
    yield at(event, "delta", "text") or at(event, "content_block", "text") or ""
    for block in at(event, "content") or []:
        yield (at(block, "text") or "") if block["type"] == "text" else ""
        yield (at(block, "content") or "") if block["type"] == "compaction" else ""
    yield (at(event, "delta", "content") or "") if at(event, "delta", "type") == "compaction_delta" else ""


def responses_text(event: Any) -> Iterator[str]:
    if at(event, "type") == "response.output_text.delta":
        yield event["delta"]
    for item in (at(event, "output") or []) if at(event, "object") == "response" else []:
        for entry in (item.get("content") or []) if item["type"] == "message" else []:
            yield entry.get("text") or ""
    yield from chat_text(event)


def gemini_text(event: Any) -> Iterator[str]:
    for candidate in at(event, "candidates") or []:
        for part in at(candidate, "content", "parts") or []:
            yield "" if part.get("thought") is True else part.get("text") or ""


def converse_text(event: Any) -> Iterator[str]:
    yield at(event, "delta", "text") or ""
    for block in at(event, "output", "message", "content") or []:
        yield block.get("text") or ""
        for cited in at(block, "citationsContent", "content") or []:
            yield cited["text"]


def ollama_text(event: Any) -> Iterator[str]:
    yield at(event, "message", "content") or at(event, "response") or ""


def cohere_text(event: Any) -> Iterator[str]:
    content = at(event, "delta", "message", "content") or at(event, "message", "content")
    yield (at(content, "text") or "") if isinstance(content, dict) else ""
    for block in content if isinstance(content, list) else []:
        yield block.get("text") or ""


TEXT = {
    "openai.chat": chat_text,
    "openai.completions": chat_text,
    "openai.responses": responses_text,
    "anthropic.messages": anthropic_text,
    "vertex.rawPredict": anthropic_text,
    "vertex.streamRawPredict": anthropic_text,
    "gemini.generateContent": gemini_text,
    "gemini.streamGenerateContent": gemini_text,
    "bedrock.converse": converse_text,
    "bedrock.converse-stream": converse_text,
    "ollama.chat": ollama_text,
    "ollama.generate": ollama_text,
    "cohere.v2.chat": cohere_text,
}


def names_in(value: Any, key: str) -> Iterator[str]:
    """Every name of a call anywhere in an event: the object under (or in a list under) `key`."""
    if isinstance(value, list):
        for entry in value:
            yield from names_in(entry, key)
    elif isinstance(value, dict):
        found = value.get(key)
        for call in found if isinstance(found, list) else [found]:
            name = at(call, "name") or at(call, "function", "name")
            if isinstance(name, str) and name:
                yield name
        for inner_key, inner in value.items():
            if inner_key != key:
                yield from names_in(inner, key)


CALLS = {
    "openai.chat": "tool_calls",
    "gemini.generateContent": "functionCall",
    "gemini.streamGenerateContent": "functionCall",
    "bedrock.converse": "toolUse",
    "bedrock.converse-stream": "toolUse",
    "ollama.chat": "tool_calls",
    "cohere.v2.chat": "tool_calls",
}
COUNTS = {
    "openai.chat": ("usage", "prompt_tokens", "completion_tokens"),
    "openai.completions": ("usage", "prompt_tokens", "completion_tokens"),
    "openai.responses": ("usage", "input_tokens", "output_tokens"),
    "anthropic.messages": ("usage", "input_tokens", "output_tokens"),
    "gemini.generateContent": ("usageMetadata", "promptTokenCount", "candidatesTokenCount"),
    "gemini.streamGenerateContent": ("usageMetadata", "promptTokenCount", "candidatesTokenCount"),
    "bedrock.converse": ("usage", "inputTokens", "outputTokens"),
    "bedrock.converse-stream": ("usage", "inputTokens", "outputTokens"),
}


def answered(recorded: list[Recording], apis: Any) -> Iterator[Recording]:
    """The replies that speak: no failures, no other vendor's shape under the address."""
    for recording in recorded:
        if recording.api in apis and recording.reply.status < 400 and recording.reply.body:
            yield recording


def test_every_request_of_a_known_api_is_read_as_what_it_is(recorded: list[Recording]) -> None:
    unread = [
        recording.name
        for recording in recorded
        if recording.api in READ_APIS
        and recording.request.body
        and not recording.made_up_request
        and recording.call().endpoint == "generic"
    ]

    assert unread == []


def test_every_prompt_of_a_request_is_in_its_turns(recorded: list[Recording]) -> None:
    """The naive side: every string under a key "content" or "text" of a message."""
    missing = []
    for recording in recorded:
        if recording.api in TEXT and recording.request.body[:1] == b"{":
            contents = "\n".join(part.content for turn in recording.call().turns for part in turn.parts())
            said = {
                json.dumps(text)[1:-1] for text in strings(json.loads(recording.request.body).get("messages") or [])
            }
            missing += [
                recording.name for text in said if json.loads(f'"{text}"') not in contents and text not in contents
            ]

    assert missing == []


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from strings(entry)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("content", "text") and isinstance(inner, str):
                yield inner
            elif key in ("content", "messages"):
                yield from strings(inner)


def test_the_text_of_every_reply_is_what_the_wire_says(recorded: list[Recording]) -> None:
    wrong = []
    for recording in answered(recorded, TEXT):
        said = "".join(part.content for part in recording.said().parts if part.kind is Kind.TEXT)
        if said != naive_text(recording):
            wrong.append(recording.name)

    assert wrong == []


def test_the_tools_of_every_reply_are_what_the_wire_says(recorded: list[Recording]) -> None:
    wrong = []
    for recording in answered(recorded, CALLS):
        named = [part.name for part in recording.said().parts if part.kind is Kind.TOOL_CALL]
        naive = [name for event in events(recording) for name in names_in(event, CALLS[recording.api])]
        if sorted(naive) != sorted(name for name in named if name in naive):
            wrong.append(recording.name)

    assert wrong == []


def test_the_counts_of_every_reply_are_what_the_wire_says(recorded: list[Recording]) -> None:
    wrong = []
    for recording in answered(recorded, COUNTS):
        place, asked, told = COUNTS[recording.api]
        usages = [
            use
            for event in events(recording)
            for use in (at(event, place), at(event, "response", place), at(event, "message", place))
            if use
        ]
        naive = [
            next((use[key] for use in reversed(usages) if use.get(key) is not None), None) for key in (asked, told)
        ]
        usage = recording.said().usage
        if naive not in ([None, None], [usage.input_tokens, usage.output_tokens]):
            wrong.append((recording.name, naive, usage))

    assert wrong == []


def test_a_reply_arriving_in_pieces_says_the_same(recorded: list[Recording]) -> None:
    chance = random.Random(7)
    wrong = []
    for recording in recorded:
        parser = stream_parser(recording.call(), header(recording.reply.headers, "content-type"))
        if parser is None or recording.reply.status >= 400:
            continue
        body, frames_seen, place = recording.reply.body, [], 0
        while place < len(body):
            size = chance.choice((1, 2, 3, 7, 60, 700, 5000))
            frames_seen += parser.feed(body[place : place + size])
            place += size
        frames_seen += parser.finish()
        if b"".join(frame.data for frame in frames_seen) != body or parser.reply() != recording.said():
            wrong.append(recording.name)

    assert wrong == []
