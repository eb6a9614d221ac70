"""Embeddings, in every vendor's shape: texts in, vectors out. A vector is kept as a size and a digest, like an image.

    {"input": …}          {"data": [{"embedding": [0.1, …] | "base64"}]}     OpenAI, Voyage, Mistral, …
    {"texts": […]}        {"embeddings": [[…]] | {"float": [[…]]}}           Cohere v1, v2
    {"input": …}          {"embeddings": [[…]]}                              Ollama /api/embed
    {"prompt": …}         {"embedding": […]}                                 Ollama /api/embeddings
    {"inputText": …}      {"embedding": […]}                                 Titan on Bedrock
    {"content": …}        {"embedding": {"values": […]}}                     Gemini embedContent
    {"requests": […]}     {"embeddings": [{"values": […]}]}                  Gemini batchEmbedContents
Not retrieval, not Vertex AI's predict (vertex_predict.py). Sources: the vendors' API references (2026-11).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.gemini_content import content_parts
from addons.providers.json_values import array, count, dumps, obj, text
from addons.providers.openai_shapes import OPENAI_REFUSAL, usage_of
from addons.providers.parts import JSON_TYPE
from addons.providers.text_completion import prompt_parts
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, WireRequest

_INPUT_KEYS: Final = (
    "input",
    "inputs",
    "texts",
    "images",
    "prompt",
    "inputText",
    "inputImage",
    "singleEmbeddingParams",
)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    turns = [Turn("user", body[key], f"/{key}", prompt_parts) for key in _INPUT_KEYS if body.get(key)]
    turns += [Turn("user", body["content"], "/content", content_parts)] if body.get("content") else []
    turns += [
        Turn("user", entry, f"/requests/{place}", _wrapped_parts)
        for place, entry in enumerate(array(body.get("requests")))
    ]
    if not turns:
        return None
    model = text(body.get("model")).removeprefix("models/")
    known = {"model", "content", "requests", *_INPUT_KEYS}
    rest = {key: value for key, value in body.items() if key not in known}
    return Call(provider, "embeddings", "embeddings", model, streamed=False, turns=tuple(turns), parameters=rest)


def _wrapped(entry: Json) -> tuple[Part, ...]:
    """{"model": …, "content": {"parts": […]}}"""
    body = obj(entry)
    return content_parts(body["content"]) if "content" in body else prompt_parts(entry)


_wrapped_parts: Final = keeping_all(_wrapped)


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    vectors = [vector for key in _OUTPUT_KEYS for vector in _vectors(body.get(key))]
    return Reply(
        parts=tuple([_part(vector) for vector in vectors]),
        model=text(body.get("model")),
        response_id=text(body.get("id")),
        usage=_usage(body),
    )


_OUTPUT_KEYS: Final = ("data", "embedding", "embeddings", "predictions")
_INNER_KEYS: Final = ("embedding", "embeddings", "values", "float", "int8", "uint8", "binary", "ubinary", "base64")


def _vectors(value: Json) -> Iterator[Json]:
    """Lists of numbers and base64 texts, at most a few keys deep."""
    level: list[Json] = [value]
    for _ in range(_DEEPEST):
        deeper: list[Json] = []
        for found in level:
            if _is_vector(found):
                yield found
            elif isinstance(found, list):
                deeper += found
            elif isinstance(found, dict):
                deeper += [found[key] for key in _INNER_KEYS if found.get(key)]
        level = deeper


_DEEPEST: Final = 6


def _is_vector(value: Json) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and isinstance(value[0], int | float))


def _part(vector: Json) -> Part:
    if isinstance(vector, str):
        return Part(Kind.EMBEDDING, vector, base64=True)
    numbers = base64.b64encode(dumps(vector)).decode("ascii")
    return Part(Kind.EMBEDDING, numbers, name=f"{len(vector)} dimensions", media_type=JSON_TYPE, base64=True)


def _usage(body: dict[str, Json]) -> Usage:
    if body.get("usage"):
        usage = usage_of(body["usage"])
        return (
            usage
            if usage.input_tokens is not None
            else Usage(input_tokens=count(obj(body["usage"]).get("total_tokens")))
        )
    billed = obj(obj(body.get("meta")).get("billed_units"))
    counts = (
        billed.get("input_tokens"),
        body.get("inputTextTokenCount"),
        body.get("prompt_eval_count"),
        obj(body.get("usageMetadata")).get("promptTokenCount"),
    )
    return Usage(input_tokens=next((found for one in counts if (found := count(one)) is not None), None))


EMBEDDINGS: Final = Endpoint(
    id="embeddings",
    operation="embeddings",
    path=re.compile(r"/(multimodal)?embeddings$|/embed$|:(batchE|e)mbedContents?$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=None,
    refusal=OPENAI_REFUSAL,
)
