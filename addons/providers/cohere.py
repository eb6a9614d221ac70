"""Cohere chat, version 2: request, reply and event stream, and how Cohere's errors look. Version 1: cohere_v1.py.

Messages are OpenAI's with a tool plan beside the calls.
Source: Cohere API reference, "Chat V2", "Streaming", "Errors" (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import orjson

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.failures import failure
from addons.providers.json_values import array, compact, count, obj, text
from addons.providers.openai_content import message_parts as openai_message_parts
from addons.providers.openai_deltas import CallDraft
from addons.providers.parts import JSON_TYPE, message_turns, tools
from addons.providers.wire import Endpoint, Refusal, WireRequest

_READ_KEYS: Final = frozenset({"messages", "tools", "documents", "model", "stream"})


def message_parts(message: Json) -> tuple[Part, ...]:
    """The plan is what the model says to itself before it calls."""
    body = obj(message)
    if not body:
        return openai_message_parts(message)
    plan = text(body.get("tool_plan"))
    rest = {key: value for key, value in body.items() if key != "tool_plan"}
    return (*((Part(Kind.REASONING, plan),) if plan else ()), *openai_message_parts(rest))


def document_parts(value: Json) -> tuple[Part, ...]:
    """What the client found and offers for citation."""
    return tuple([Part(Kind.DOCUMENT, text(entry) or compact(entry), media_type=JSON_TYPE) for entry in array(value)])


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    turns = [Turn("system", body["tools"], "/tools", tools)] if body.get("tools") else []
    turns += [Turn("system", body["documents"], "/documents", document_parts)] if body.get("documents") else []
    turns += message_turns(messages, "/messages", message_parts)
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    return Call(
        provider, "chat", "cohere.chat", text(body.get("model")), body.get("stream") is True, tuple(turns), rest
    )


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    reason = text(body.get("finish_reason"))
    return Reply(
        parts=message_parts(body.get("message")) if isinstance(body.get("message"), dict) else (),
        response_id=text(body.get("id")),
        finish_reasons=(reason,) if reason else (),
        usage=usage_of(body.get("usage")),
    )


def usage_of(value: Json) -> Usage:
    """`tokens` is what the model saw; `billed_units` leaves out what Cohere adds itself."""
    usage = obj(value)
    tokens = obj(usage.get("tokens")) or obj(usage.get("billed_units"))
    return Usage(
        input_tokens=count(tokens.get("input_tokens")),
        output_tokens=count(tokens.get("output_tokens")),
        reasoning_tokens=count(tokens.get("reasoning_tokens")),
        cached_tokens=count(usage.get("cached_tokens")),
    )


class CohereAssembler:
    """Puts the message together; a call is complete at its tool-call-end."""

    end_markers: tuple[bytes, ...] = (b"message-end", b'"error"')

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._id = ""
        self._plan: list[str] = []
        self._blocks: dict[int, dict[str, list[str]]] = {}
        self._calls: dict[int, CallDraft] = {}
        self._citations: list[Json] = []
        self._end: dict[str, Json] = {}
        self._open: set[int] = set()
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        kind = text(body.get("type")) or event
        delta = obj(body.get("delta"))
        message = obj(delta.get("message"))
        index = body.get("index")
        place = index if isinstance(index, int) else 0
        if kind == "tool-call-end":
            return self._close_call(place)
        if kind == "message-end":
            self._end = delta
            self.done = True
        if body.get("error") or delta.get("error") or kind == "error":
            self._failure = failure(delta.get("error") or body.get("error") or body, {})
            self.done = True
        self._id = self._id or text(body.get("id"))
        self._plan.append(text(message.get("tool_plan")))
        self._add(place, message)
        return ()

    def _add(self, place: int, message: dict[str, Json]) -> None:
        for key, piece in obj(message.get("content")).items():
            if key in ("text", "thinking"):
                self._blocks.setdefault(place, {}).setdefault(key, []).append(text(piece))
        if call := obj(message.get("tool_calls")):
            self._calls.setdefault(place, CallDraft()).add(call)
            self._open.add(place)
            self.holding = True
        if citation := obj(message.get("citations")):
            self._citations.append(citation)

    def _close_call(self, place: int) -> tuple[Part, ...]:
        if place not in self._open:
            return ()
        self._open.discard(place)
        self.holding = bool(self._open)
        return openai_message_parts({"tool_calls": [self._calls[place].spelled()]})

    def close(self) -> tuple[Part, ...]:
        return tuple([part for place in sorted(self._open) for part in self._close_call(place)])

    def _content(self) -> Iterator[Json]:
        for _, block in sorted(self._blocks.items()):
            for key, pieces in block.items():
                yield {"type": key, key: "".join(pieces)}

    def reply(self) -> Reply:
        message = {
            "tool_plan": "".join(self._plan),
            "content": list(self._content()),
            "tool_calls": [self._calls[place].spelled() for place in sorted(self._calls)],
            "citations": self._citations,
        }
        reply = parse_reply({**self._end, "id": self._id, "message": message})
        failed = self._failure
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            response_id=reply.response_id,
            finish_reasons=reply.finish_reasons,
            usage=reply.usage,
            error=failed.error if failed else "",
            complete=self.done,
        )


def _error(_status: int, code: str, message: str, exchange_id: str) -> bytes:
    return orjson.dumps({"id": exchange_id, "message": f"{message} [{code}]"})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    end = {
        "type": "message-end",
        "id": exchange_id,
        "delta": {"finish_reason": "ERROR", "error": f"{message} [{code}]"},
    }
    return b"event: message-end\ndata: " + orjson.dumps(end) + b"\n\n"


COHERE_REFUSAL: Final = Refusal(_error, _event)

COHERE_CHAT: Final = Endpoint(
    id="cohere.chat",
    operation="chat",
    path=re.compile(r"/v2/chat$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=CohereAssembler,
    refusal=COHERE_REFUSAL,
)
