"""Cohere chat, version 1: request, reply and lines; also what Command models speak in Bedrock's InvokeModel. Version 2: cohere.py.

Source: Cohere API reference, "Chat V1", "Streaming" (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.cohere import COHERE_REFUSAL, document_parts
from addons.providers.json_values import array, compact, count, obj, text, words
from addons.providers.parts import JSON_TYPE, tools
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, WireRequest

_ROLES: Final = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
_READ_KEYS: Final = frozenset(
    {"message", "chat_history", "preamble", "tools", "tool_results", "documents", "model", "stream"}
)


def _message_parts(message: Json) -> tuple[Part, ...]:
    """An entry of the history, the message itself (a string), or a reply's own object."""
    if isinstance(message, str):
        return (Part(Kind.TEXT, message),) if message else ()
    body = obj(message)
    said = text(body.get("message")) or text(body.get("text"))
    return (
        *((Part(Kind.TEXT, said),) if said else ()),
        *[_call(obj(call)) for call in array(body.get("tool_calls"))],
        *result_parts(body.get("tool_results")),
    )


def _call(call: dict[str, Json]) -> Part:
    return Part(Kind.TOOL_CALL, words(call.get("parameters")), name=text(call.get("name")))


def result_parts(value: Json) -> tuple[Part, ...]:
    """Results name the call they answer by repeating it."""
    results = [obj(result) for result in array(value)]
    return tuple(
        [
            Part(Kind.TOOL_RESULT, compact(result.get("outputs")), name=text(obj(result.get("call")).get("name")))
            for result in results
        ]
    )


message_parts: Final = keeping_all(_message_parts)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    if "message" not in body and "chat_history" not in body:
        return None
    turns = [
        Turn("system", body[key], f"/{key}", read)
        for key, read in (("tools", tools), ("preamble", message_parts), ("documents", document_parts))
        if body.get(key)
    ]
    turns += [
        Turn(_role(message), message, f"/chat_history/{place}", message_parts)
        for place, message in enumerate(array(body.get("chat_history")))
    ]
    if body.get("message"):
        turns.append(Turn("user", body["message"], "/message", message_parts))
    if body.get("tool_results"):
        turns.append(Turn("tool", body["tool_results"], "/tool_results", keeping_all(result_parts)))
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    return Call(
        provider, "chat", "cohere.chat_v1", text(body.get("model")), body.get("stream") is True, tuple(turns), rest
    )


def _role(message: Json) -> str:
    role = text(obj(message).get("role"))
    return _ROLES.get(role.upper(), role)


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    reason = text(body.get("finish_reason"))
    meta = obj(body.get("meta"))
    tokens = obj(meta.get("tokens")) or obj(meta.get("billed_units"))
    found = [
        Part(Kind.OTHER, compact(body[key]), name=key, media_type=JSON_TYPE) for key in _SOURCE_KEYS if body.get(key)
    ]
    said = {key: body.get(key) for key in ("text", "tool_calls")}
    return Reply(
        parts=(*message_parts(said), *found),
        response_id=text(body.get("response_id")) or text(body.get("generation_id")),
        finish_reasons=(reason,) if reason else (),
        usage=Usage(count(tokens.get("input_tokens")), count(tokens.get("output_tokens"))),
    )


_SOURCE_KEYS: Final = ("citations", "documents", "search_results")


class CohereV1Assembler:
    """The last line repeats the whole reply; until then the text is what its pieces say."""

    end_markers: tuple[bytes, ...] = (b'"is_finished":true', b'"is_finished": true', b"stream-end")

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._text: list[str] = []
        self._calls: list[Json] = []
        self._last: dict[str, Json] = {}

    def take(self, event: str, value: Json) -> tuple[Part, ...]:  # noqa: ARG002 - its lines bear their kind themselves
        body = obj(value)
        if body.get("event_type") in (None, "text-generation"):
            self._text.append(text(body.get("text")))
        calls = array(body.get("tool_calls")) if body.get("event_type") == "tool-calls-generation" else []
        self._calls += calls
        self.holding = body.get("event_type") == "tool-calls-chunk" or (self.holding and not calls)
        if body.get("is_finished") is True or body.get("event_type") == "stream-end":
            reason = body.get("finish_reason")
            self._last = {"finish_reason": reason, "meta": obj(body.get("meta")), **obj(body.get("response"))}
            self.done = True
            self.holding = False
        return tuple([_call(obj(call)) for call in calls])

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        said = {"text": "".join(self._text), "tool_calls": self._calls}
        reply = parse_reply({**said, **{key: value for key, value in self._last.items() if value}})
        return Reply(reply.parts, "", reply.response_id, reply.finish_reasons, reply.usage, complete=self.done)


COHERE_CHAT_V1: Final = Endpoint(
    id="cohere.chat_v1",
    operation="chat",
    path=re.compile(r"/v1/chat$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=CohereV1Assembler,
    refusal=COHERE_REFUSAL,
)
