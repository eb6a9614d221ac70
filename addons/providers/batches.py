"""Many requests in one, to be answered later: Anthropic's message batches, Gemini's batchGenerateContent. OpenAI's are files.

Each request is read as it would be alone; its turns keep their place in the whole.
Sources: Anthropic API reference, "Create a Message Batch"; Gemini API reference, "Batch Mode" (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from addons.providers.anthropic_messages import ANTHROPIC_MESSAGES, ANTHROPIC_REFUSAL
from addons.providers.call import Call, Json, Turn
from addons.providers.gemini import GEMINI_GENERATE, GEMINI_REFUSAL
from addons.providers.generic import generic_reply
from addons.providers.json_values import array, obj
from addons.providers.wire import Endpoint, WireRequest

Inner = tuple[str, dict[str, Json]]  # JSON pointer, request


def _anthropic(body: dict[str, Json]) -> Iterator[Inner]:
    for place, entry in enumerate(array(body.get("requests"))):
        yield f"/requests/{place}/params", obj(obj(entry).get("params"))


def _gemini(body: dict[str, Json]) -> Iterator[Inner]:
    inline = obj(obj(obj(body.get("batch")).get("inputConfig")).get("requests"))
    for place, entry in enumerate(array(inline.get("requests"))):
        yield f"/batch/inputConfig/requests/requests/{place}/request", obj(obj(entry).get("request"))


def _call(alone: Endpoint, id_: str, inner: list[Inner], request: WireRequest, provider: str) -> Call | None:
    calls = [(pointer, alone.parse_call(provider, request, body)) for pointer, body in inner]
    if not calls or any(call is None for _, call in calls):
        return None
    turns = [_placed(turn, pointer) for pointer, call in calls if call for turn in call.turns]
    models = sorted({call.model for _, call in calls if call})
    rest = {pointer: dict(call.parameters) for pointer, call in calls if call and call.parameters}
    return Call(provider, alone.operation, id_, models[0] if len(models) == 1 else "", False, tuple(turns), rest)


def _placed(turn: Turn, pointer: str) -> Turn:
    return turn._replace(pointer=pointer + turn.pointer)


def _anthropic_call(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    return _call(ANTHROPIC_MESSAGES, "anthropic.batches", list(_anthropic(body)), request, provider)


def _gemini_call(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    return _call(GEMINI_GENERATE, "gemini.batches", list(_gemini(body)), request, provider)


BATCHES: Final = (
    Endpoint(
        "anthropic.batches",
        "chat",
        re.compile(r"/messages/batches$"),
        _anthropic_call,
        generic_reply,
        None,
        ANTHROPIC_REFUSAL,
    ),
    Endpoint(
        "gemini.batches",
        "generate_content",
        re.compile(r":batchGenerateContent$"),
        _gemini_call,
        generic_reply,
        None,
        GEMINI_REFUSAL,
    ),
)
