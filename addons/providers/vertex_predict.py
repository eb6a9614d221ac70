"""Vertex AI's predict: one door for embeddings, images and models of one's own. Not generateContent (gemini.py).

    {"instances": [{"content": …}]}    {"predictions": [{"embeddings": {"values": […]}}]}
    {"instances": [{"prompt": …}]}     {"predictions": [{"bytesBase64Encoded": …, "mimeType": "image/png"}]}
Source: Vertex AI, "Text embeddings API", "Imagen API" (2026-11).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.embeddings import EMBEDDINGS
from addons.providers.gemini import GEMINI_REFUSAL
from addons.providers.json_values import array, count, obj, text
from addons.providers.media import by_value, kind_of
from addons.providers.text_completion import prompt_parts
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, WireRequest


def instance_parts(instance: Json) -> tuple[Part, ...]:
    """One thing to embed, to draw, or to feed to a model that nobody here knows."""
    body = obj(instance)
    said = [part for key in ("content", "prompt", "text") for part in prompt_parts(body.get(key))]
    picture = obj(body.get("image"))
    if data := text(picture.get("bytesBase64Encoded")):
        said.append(by_value(text(picture.get("mimeType")) or "image", data, kind=Kind.IMAGE))
    return tuple(said) if body else prompt_parts(instance)


_everything: Final = keeping_all(instance_parts)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    instances = body.get("instances")
    if not isinstance(instances, list):
        return None
    turns = [Turn("user", instance, f"/instances/{place}", _everything) for place, instance in enumerate(instances)]
    rest = {key: value for key, value in body.items() if key != "instances"}
    embeds = all("content" in obj(instance) for instance in instances)
    operation = "embeddings" if embeds else ""
    return Call(provider, operation, "vertex.predict", "", streamed=False, turns=tuple(turns), parameters=rest)


def parse_reply(value: Json) -> Reply:
    embedded = EMBEDDINGS.parse_reply(value)
    return replace(embedded, parts=(*embedded.parts, *_media(value)), usage=_usage(value))


def _usage(value: Json) -> Usage:
    """Counted text by text: {"embeddings": {"statistics": {"token_count": 3}}}"""
    predictions = [obj(prediction) for prediction in array(obj(value).get("predictions"))]
    told = [count(obj(obj(one.get("embeddings")).get("statistics")).get("token_count")) for one in predictions]
    counts = [tokens for tokens in told if tokens is not None]
    return Usage(input_tokens=sum(counts)) if counts else Usage()


def _media(value: Json) -> list[Part]:
    found = [obj(prediction) for prediction in array(obj(value).get("predictions"))]
    kinds = [(one, text(one.get("mimeType")) or "image/png") for one in found]
    return [
        by_value(kind, data, kind=kind_of(kind)) for one, kind in kinds if (data := text(one.get("bytesBase64Encoded")))
    ]


VERTEX_PREDICT: Final = Endpoint(
    id="vertex.predict",
    operation="",
    path=re.compile(r":predict$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=None,
    refusal=GEMINI_REFUSAL,
)
