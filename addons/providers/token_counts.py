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
    wrapped = obj(body.get("generateContentRequest"))
    if not wrapped:
        return GEMINI_GENERATE.parse_call(provider, request, body)
    rest = {key: value for key, value in body.items() if key != "generateContentRequest"}
    return _with(GEMINI_GENERATE.parse_call(provider, request, wrapped), rest, "/generateContentRequest")


def _bedrock(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    """A Converse request, or the body of an InvokeModel in base64."""
    asked = obj(body.get("input"))
    rest = {key: value for key, value in body.items() if key != "input"}
    rest |= {key: value for key, value in asked.items() if key not in ("converse", "invokeModel")}
    if "invokeModel" not in asked:
        converse = BEDROCK_CONVERSE.parse_call(provider, request, obj(asked.get("converse")))
        return _with(converse, rest, "/input/converse")
    invoked = obj(asked["invokeModel"])
    rest |= {key: value for key, value in invoked.items() if key != "body"}
    try:
        inner = loads(base64.b64decode(text(invoked.get("body"))))
    except (NotJson, ValueError):
        return None
    return _with(ANTHROPIC_MESSAGES.parse_call(provider, request, obj(inner)), rest, "/input/invokeModel/body")


def _with(call: Call | None, rest: dict[str, Json], pointer: str) -> Call | None:
    """The wrapped request with what stands around it."""
    if call is None:
        return None
    turns = tuple([turn._replace(pointer=pointer + turn.pointer) for turn in call.turns])
    return replace(call, turns=turns, parameters={**call.parameters, **rest})


TOKEN_COUNTS: Final = (
    _counting(ANTHROPIC_MESSAGES, "anthropic.count_tokens", r"/messages/count_tokens$", ANTHROPIC_MESSAGES.parse_call),
    _counting(OPENAI_RESPONSES, "openai.input_tokens", r"/responses/input_tokens$", OPENAI_RESPONSES.parse_call),
    _counting(GEMINI_GENERATE, "gemini.count_tokens", r":countTokens$", _gemini),
    _counting(BEDROCK_CONVERSE, "bedrock.count_tokens", r"/count-tokens$", _bedrock),
)
