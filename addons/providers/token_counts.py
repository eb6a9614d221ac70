"""Endpoints that only count: they are sent a whole conversation and answer with a number. Not chat, so no operation is named.

Sources: Anthropic "Count tokens", OpenAI "Get input token counts", Gemini countTokens, Bedrock CountTokens (2026-11).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from addons.providers.anthropic_messages import ANTHROPIC_MESSAGES
from addons.providers.bedrock_converse import BEDROCK_CONVERSE
from addons.providers.call import Call, Json
from addons.providers.gemini import GEMINI_GENERATE
from addons.providers.generic import generic_reply
from addons.providers.json_values import NotJson, loads, obj, text
from addons.providers.openai_responses import OPENAI_RESPONSES
from addons.providers.wire import Endpoint, WireRequest

ParseCall = Callable[[str, WireRequest, dict[str, Json]], Call | None]


def _counting(endpoint: Endpoint, id_: str, path: str, parse_call: ParseCall) -> Endpoint:
    def parse(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
        call = parse_call(provider, request, body)
        return replace(call, endpoint=id_, operation="", streamed=False) if call else None

    return replace(
        endpoint,
        id=id_,
        operation="",
        path=re.compile(path),
        parse_call=parse,
        parse_reply=generic_reply,
        assembler=None,
    )


def _gemini(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    """The contents alone, or a whole request wrapped."""
    return GEMINI_GENERATE.parse_call(provider, request, obj(body.get("generateContentRequest")) or body)


def _bedrock(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    """A Converse request, or the body of an InvokeModel in base64."""
    asked = obj(body.get("input"))
    if "invokeModel" not in asked:
        return BEDROCK_CONVERSE.parse_call(provider, request, obj(asked.get("converse")))
    try:
        inner = loads(base64.b64decode(text(obj(asked["invokeModel"]).get("body"))))
    except (NotJson, ValueError):
        return None
    return ANTHROPIC_MESSAGES.parse_call(provider, request, obj(inner))


TOKEN_COUNTS: Final = (
    _counting(ANTHROPIC_MESSAGES, "anthropic.count_tokens", r"/messages/count_tokens$", ANTHROPIC_MESSAGES.parse_call),
    _counting(OPENAI_RESPONSES, "openai.input_tokens", r"/responses/input_tokens$", OPENAI_RESPONSES.parse_call),
    _counting(GEMINI_GENERATE, "gemini.count_tokens", r":countTokens$", _gemini),
    _counting(BEDROCK_CONVERSE, "bedrock.count_tokens", r"/count-tokens$", _bedrock),
)
