"""Many requests in one, to be answered later: Anthropic's message batches, Gemini's batchGenerateContent. OpenAI's are files.

Each request is read as it would be alone; its turns keep their place in the whole.
Sources: Anthropic API reference, "Create a Message Batch"; Gemini API reference, "Batch Mode" (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from addons.providers.anthropic_messages import ANTHROPIC_MESSAGES, ANTHROPIC_REFUSAL
from addons.providers.call import Call, Json
from addons.providers.gemini import GEMINI_GENERATE, GEMINI_REFUSAL
from addons.providers.generic import generic_reply
from addons.providers.json_values import array, obj
from addons.providers.wire import Endpoint, WireRequest

Inner = tuple[str, dict[str, Json]]  # JSON pointer, request


def _call(
    alone: Endpoint, id_: str, provider: str, request: WireRequest, inner: list[Inner], rest: dict[str, Json]
) -> Call | None:
    """`rest` is what stands around the requests: their names, the batch's own."""
    calls = [(pointer, alone.parse_call(provider, request, body)) for pointer, body in inner]
    if not calls or any(call is None for _, call in calls):
        return None
    turns = [turn._replace(pointer=pointer + turn.pointer) for pointer, call in calls if call for turn in call.turns]
    models = sorted({call.model for _, call in calls if call})
    parameters = {**rest, **{pointer: dict(call.parameters) for pointer, call in calls if call and call.parameters}}
    parameters |= {"models": models} if len(models) > 1 else {}
    model = models[0] if len(models) == 1 else ""
    return Call(provider, alone.operation, id_, model, streamed=False, turns=tuple(turns), parameters=parameters)


def _anthropic(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    entries = [obj(entry) for entry in array(body.get("requests"))]
    inner = [(f"/requests/{place}/params", obj(entry.get("params"))) for place, entry in enumerate(entries)]
    rest = {**_but(body, "requests"), "requests": [_but(entry, "params") for entry in entries]}
    return _call(ANTHROPIC_MESSAGES, "anthropic.batches", provider, request, inner, rest)


def _gemini(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    batch = obj(body.get("batch"))
    key = "inputConfig" if "inputConfig" in batch else "input_config"
    config = obj(batch.get(key))
    listed = obj(config.get("requests"))
    entries = [obj(entry) for entry in array(listed.get("requests"))]
    at = f"/batch/{key}/requests/requests"
    inner = [(f"{at}/{place}/request", obj(entry.get("request"))) for place, entry in enumerate(entries)]
    around = [_but(body, "batch"), _but(batch, key), _but(config, "requests"), _but(listed, "requests")]
    rest = {"around": around, "requests": [_but(entry, "request") for entry in entries]}
    return _call(GEMINI_GENERATE, "gemini.batches", provider, request, inner, rest)


def _but(body: dict[str, Json], key: str) -> dict[str, Json]:
    return {name: value for name, value in body.items() if name != key}


BATCHES: Final = (
    Endpoint(
        "anthropic.batches",
        "chat",
        re.compile(r"/messages/batches$"),
        _anthropic,
        generic_reply,
        None,
        ANTHROPIC_REFUSAL,
    ),
    Endpoint(
        "gemini.batches",
        "generate_content",
        re.compile(r":batchGenerateContent$"),
        _gemini,
        generic_reply,
        None,
        GEMINI_REFUSAL,
    ),
)
