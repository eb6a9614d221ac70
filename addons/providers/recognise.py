"""Formats known by their shape, where the path says nothing: Bedrock's InvokeModel, Vertex's rawPredict, gateways, serving endpoints.

Strict on purpose: a shape counts only if no other format here could have it. What is not recognised stays generic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from addons.providers.anthropic_messages import ANTHROPIC_MESSAGES
from addons.providers.bedrock_agent import BEDROCK_AGENT
from addons.providers.bedrock_converse import BEDROCK_CONVERSE
from addons.providers.call import Json
from addons.providers.cohere import COHERE_CHAT
from addons.providers.cohere_v1 import COHERE_CHAT_V1
from addons.providers.embeddings import EMBEDDINGS
from addons.providers.gemini import GEMINI_GENERATE
from addons.providers.json_values import array, obj, text
from addons.providers.mcp import MCP_RPC
from addons.providers.ollama import OLLAMA_CHAT
from addons.providers.openai_chat import OPENAI_CHAT
from addons.providers.openai_responses import OPENAI_RESPONSES
from addons.providers.text_completion import TEXT_COMPLETION
from addons.providers.wire import Endpoint

Sign = Callable[[dict[str, Json]], bool]


def of_request(body: dict[str, Json]) -> Endpoint | None:
    return _first(_REQUESTS, body)


def of_reply(body: dict[str, Json]) -> Endpoint | None:
    return _first(_REPLIES, body)


def of_event(event: str, body: dict[str, Json]) -> Endpoint | None:
    """The format of a stream by one of its events; None where this event does not tell."""
    if event in _CONVERSE_EVENTS:
        return BEDROCK_CONVERSE
    if event in ("chunk", "returnControl"):
        return BEDROCK_AGENT
    return _first(_EVENTS, body)


def _first(table: tuple[tuple[Endpoint, Sign], ...], body: dict[str, Json]) -> Endpoint | None:
    return next((endpoint for endpoint, sign in table if sign(body)), None)


def _messages(body: dict[str, Json]) -> list[dict[str, Json]]:
    return [obj(message) for message in array(body.get("messages"))]


def _blocks(body: dict[str, Json]) -> list[dict[str, Json]]:
    return [obj(block) for message in _messages(body) for block in array(message.get("content"))]


def _is_anthropic_request(body: dict[str, Json]) -> bool:
    told = "anthropic_version" in body or text(body.get("model")).startswith("claude")
    return isinstance(body.get("messages"), list) and (told or ("system" in body and "max_tokens" in body))


def _is_converse_request(body: dict[str, Json]) -> bool:
    told = "inferenceConfig" in body or "toolConfig" in body or body.get("schemaVersion") == "messages-v1"
    blocks = _blocks(body)
    return isinstance(body.get("messages"), list) and (
        told or (bool(blocks) and not any("type" in block for block in blocks))
    )


def _is_chat_request(body: dict[str, Json]) -> bool:
    messages = _messages(body)
    return bool(messages) and all("role" in message for message in messages)


def _is_text_request(body: dict[str, Json]) -> bool:
    told = "prompt" in body or "inputText" in body or isinstance(body.get("inputs"), str)
    return told and ("embedding" not in text(body.get("taskType")).lower())


def _is_embeddings_request(body: dict[str, Json]) -> bool:
    if "texts" in body or "singleEmbeddingParams" in body:
        return True
    return "inputText" in body and ("normalize" in body or "dimensions" in body)


def _is_responses_request(body: dict[str, Json]) -> bool:
    told = "instructions" in body or "previous_response_id" in body
    items = [obj(item) for item in array(body.get("input"))]
    return "input" in body and (told or (bool(items) and all("role" in item or "type" in item for item in items)))


def _is_cohere_request(body: dict[str, Json]) -> bool:
    """Command R at Bedrock: all but the message may be left out."""
    told = "chat_history" in body or "max_tokens" in body or body.keys() <= _COHERE_KEYS
    return isinstance(body.get("message"), str) and told


_COHERE_KEYS: Final = frozenset(
    "message model stream preamble documents tools temperature p k seed stop_sequences frequency_penalty presence_penalty "
    "search_queries_only prompt_truncation return_prompt raw_prompting".split()
)

_REQUESTS: Final[tuple[tuple[Endpoint, Sign], ...]] = (
    (MCP_RPC, lambda body: body.get("jsonrpc") == "2.0"),
    (ANTHROPIC_MESSAGES, _is_anthropic_request),
    (BEDROCK_CONVERSE, _is_converse_request),
    (OPENAI_CHAT, _is_chat_request),
    (GEMINI_GENERATE, lambda body: isinstance(body.get("contents"), list)),
    (COHERE_CHAT_V1, _is_cohere_request),
    (OPENAI_RESPONSES, _is_responses_request),
    (EMBEDDINGS, _is_embeddings_request),
    (TEXT_COMPLETION, _is_text_request),
)


def _choice(body: dict[str, Json]) -> dict[str, Json]:
    choices = array(body.get("choices"))
    return obj(choices[0]) if choices else {}


def _is_chat(body: dict[str, Json]) -> bool:
    choice = _choice(body)
    return "message" in choice or "delta" in choice or text(body.get("object")).startswith("chat.completion")


def _is_completion(body: dict[str, Json]) -> bool:
    """One of text_completion.py's shapes, and nothing more likely."""
    lists = ("choices", "outputs", "generations", "results", "completions")
    answers = [obj(answer) for key in lists for answer in array(body.get(key))]
    told = any(isinstance(body.get(key), str) for key in ("completion", "generation", "outputText", "generated_text"))
    keys = ("text", "outputText", "generated_text", "data")
    return told or any(key in answer for answer in answers for key in keys) or _is_response_line(body)


def _is_response_line(body: dict[str, Json]) -> bool:
    return isinstance(body.get("response"), str) or isinstance(obj(body.get("result")).get("response"), str)


def _is_converse(body: dict[str, Json]) -> bool:
    return "stopReason" in body and "message" in obj(body.get("output"))


def _is_responses(body: dict[str, Json]) -> bool:
    return isinstance(body.get("output"), list) and text(body.get("object")).startswith("response")


def _is_embeddings(body: dict[str, Json]) -> bool:
    first = [obj(entry) for entry in array(body.get("data"))[:1]]
    return "embedding" in body or "embeddings" in body or any("embedding" in entry for entry in first)


def _is_gemini(body: dict[str, Json]) -> bool:
    return isinstance(body.get("candidates"), list) or "promptFeedback" in body


_REPLIES: Final[tuple[tuple[Endpoint, Sign], ...]] = (
    (MCP_RPC, lambda body: body.get("jsonrpc") == "2.0"),
    (OPENAI_CHAT, _is_chat),
    (ANTHROPIC_MESSAGES, lambda body: body.get("type") == "message" and "content" in body),
    (BEDROCK_CONVERSE, _is_converse),
    (OPENAI_RESPONSES, _is_responses),
    (GEMINI_GENERATE, _is_gemini),
    (OLLAMA_CHAT, lambda body: "message" in body and "done" in body),
    (COHERE_CHAT, lambda body: "finish_reason" in body and isinstance(body.get("message"), dict)),
    (COHERE_CHAT_V1, lambda body: "generation_id" in body and "text" in body),
    (EMBEDDINGS, _is_embeddings),
    (TEXT_COMPLETION, _is_completion),
)

_ANTHROPIC_EVENTS: Final = frozenset({
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
})  # fmt: skip
_CONVERSE_EVENTS: Final = frozenset({
    "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata",
})  # fmt: skip
_COHERE_EVENTS: Final = frozenset(
    {"message-start", "content-start", "tool-plan-delta", "tool-call-start", "message-end"}
)

_EVENTS: Final[tuple[tuple[Endpoint, Sign], ...]] = (
    (MCP_RPC, lambda body: body.get("jsonrpc") == "2.0"),
    (OPENAI_CHAT, _is_chat),
    (ANTHROPIC_MESSAGES, lambda body: text(body.get("type")) in _ANTHROPIC_EVENTS),
    (OPENAI_RESPONSES, lambda body: text(body.get("type")).startswith("response.")),
    (GEMINI_GENERATE, _is_gemini),
    (BEDROCK_CONVERSE, lambda body: len(body) == 1 and next(iter(body)) in _CONVERSE_EVENTS),
    (COHERE_CHAT, lambda body: text(body.get("type")) in _COHERE_EVENTS),
    (COHERE_CHAT_V1, lambda body: "event_type" in body and "is_finished" in body),
    (OLLAMA_CHAT, lambda body: "message" in body and "done" in body),
    (TEXT_COMPLETION, lambda body: "done" in body or "is_finished" in body or _is_completion(body)),
)
