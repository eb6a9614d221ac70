"""Anthropic messages: request, reply and event stream, and how its errors look. Not the blocks: anthropic_content.py reads those.

Source: Anthropic API reference, "Messages", "Streaming messages", "Errors" (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from addons.providers.anthropic_content import block_parts, message_parts, system_parts
from addons.providers.call import Call, Json, Part, Reply, Turn, Usage
from addons.providers.failures import failure
from addons.providers.json_values import NotJson, array, count, loads, obj, text, words
from addons.providers.parts import message_turns, tools
from addons.providers.wire import Endpoint, Refusal, WireRequest

_READ_KEYS: Final = frozenset({"messages", "model", "stream", "system", "tools"})


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    turns = [Turn("system", body["tools"], "/tools", tools)] if body.get("tools") else []
    if body.get("system"):
        turns.append(Turn("system", body["system"], "/system", system_parts))
    turns += message_turns(messages, "/messages", message_parts)
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    model = text(body.get("model"))
    return Call(provider, "chat", "anthropic.messages", model, body.get("stream") is True, tuple(turns), rest)


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    reason = text(body.get("stop_reason"))
    return Reply(
        parts=message_parts({"role": "assistant", "content": body.get("content")}),
        model=text(body.get("model")),
        response_id=text(body.get("id")),
        finish_reasons=(reason,) if reason else (),
        usage=usage_of(body.get("usage")),
    )


def usage_of(value: Json) -> Usage:
    """Anthropic counts cached tokens beside input_tokens, not within them; they are kept as it counts."""
    usage = obj(value)
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(obj(usage.get("output_tokens_details")).get("thinking_tokens")),
        cached_tokens=count(usage.get("cache_read_input_tokens")),
    )


class _BlockDraft:
    """One content block in the making: the block as it started, and pieces by key."""

    __slots__ = ("block", "pieces")

    def __init__(self, block: dict[str, Json]) -> None:
        self.block = block
        self.pieces: dict[str, list[Json]] = {}

    def add(self, delta: dict[str, Json]) -> None:
        for key, value in delta.items():
            if key != "type":
                self.pieces.setdefault(_DELTA_KEYS.get(key, key), []).append(value)

    @property
    def is_call(self) -> bool:
        return text(self.block.get("type")).endswith("tool_use")

    @property
    def is_the_clients(self) -> bool:
        """The provider runs the other calls itself, before anybody could be asked."""
        return self.is_call and text(self.block.get("type")) not in _PROVIDERS_OWN

    def spelled(self) -> dict[str, Json]:
        block = dict(self.block)
        for key, pieces in self.pieces.items():
            if key == "input":
                block["input"] = _input("".join(map(text, pieces))) or block.get("input")
            elif key == "citations":
                block[key] = [*array(block.get(key)), *pieces]
            else:
                block[key] = words(block.get(key)) + "".join(map(words, pieces))
        return block


_PROVIDERS_OWN: Final = frozenset({"server_tool_use", "mcp_tool_use"})
_DELTA_KEYS: Final = {"partial_json": "input", "citation": "citations"}


def _input(said: str) -> Json:
    """The object that the pieces spell; their text where they were cut."""
    try:
        return loads(said.encode("utf-8", errors="replace")) if said else None
    except NotJson:
        return said


class MessagesAssembler:
    """Puts content blocks together from their deltas; a call is complete when its block stops."""

    end_markers: tuple[bytes, ...] = (b"message_stop", b'"error"', b"event: error")

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._envelope: dict[str, Json] = {}
        self._usage: dict[str, Json] = {}
        self._first_place = 0
        self._drafts: dict[int, _BlockDraft] = {}
        self._open: set[int] = set()  # calls whose block has not stopped
        self._held: set[int] = set()  # those of them that the client would run
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        match text(body.get("type")) or event:
            case "message_start":
                self._start(obj(body.get("message")))
            case "content_block_start":
                self._open_block(body)
            case "content_block_delta":
                self._draft(body).add(obj(body.get("delta")))
            case "content_block_stop":
                return self._close_block(self._place(body))
            case "message_delta":
                self._envelope |= obj(body.get("delta"))
                self._usage |= _said(body.get("usage"))
            case "message_stop":
                self.done = True
            case "error":
                self._failure = failure(body.get("error") or body, body)
                self.done = True
        return ()

    def _start(self, message: dict[str, Json]) -> None:
        self._first_place = len(self._drafts)  # relays send several messages in one stream, each counting from 0
        self._envelope |= message
        self._usage |= _said(message.get("usage"))
        for place, block in enumerate(array(message.get("content"))):
            self._drafts[self._first_place + place] = _BlockDraft(obj(block))

    def _open_block(self, body: dict[str, Json]) -> None:
        place = self._place(body)
        draft = self._drafts[place] = _BlockDraft(obj(body.get("content_block")))
        if draft.is_call:
            self._open.add(place)
        if draft.is_the_clients:
            self._held.add(place)
            self.holding = True

    def _draft(self, body: dict[str, Json]) -> _BlockDraft:
        return self._drafts.setdefault(self._place(body), _BlockDraft({}))

    def _place(self, body: dict[str, Json]) -> int:
        index = body.get("index")
        return self._first_place + (index if isinstance(index, int) else 0)

    def _close_block(self, place: int) -> tuple[Part, ...]:
        if place not in self._open:
            return ()
        self._open.discard(place)
        self._held.discard(place)
        self.holding = bool(self._held)
        return block_parts(self._drafts[place].spelled())

    def close(self) -> tuple[Part, ...]:
        return tuple([part for place in sorted(self._open) for part in self._close_block(place)])

    def reply(self) -> Reply:
        blocks = [self._drafts[place].spelled() for place in sorted(self._drafts)]
        parts = message_parts({"role": "assistant", "content": blocks})
        reason = text(self._envelope.get("stop_reason"))
        failed = self._failure
        return Reply(
            parts=(*parts, *(failed.parts if failed else ())),
            model=text(self._envelope.get("model")),
            response_id=text(self._envelope.get("id")) or (failed.response_id if failed else ""),
            finish_reasons=(reason,) if reason else (),
            usage=usage_of(self._usage),
            error=failed.error if failed else "",
            complete=self.done,
        )


def _said(usage: Json) -> dict[str, Json]:
    """Later counts replace earlier ones, but null replaces nothing."""
    return {key: value for key, value in obj(usage).items() if value is not None}


_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _error(status: int, code: str, message: str, exchange_id: str) -> bytes:
    """The code stands in the sentence: the type must stay one of Anthropic's own."""
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    said = {"type": kind, "message": f"{message} [{code}]"}
    return orjson.dumps({"type": "error", "error": said, "request_id": exchange_id})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    return b"event: error\ndata: " + _error(403, code, message, exchange_id) + b"\n\n"


ANTHROPIC_REFUSAL: Final = Refusal(_error, _event)

ANTHROPIC_MESSAGES: Final = Endpoint(
    id="anthropic.messages",
    operation="chat",
    path=re.compile(r"/v1/messages/?$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=MessagesAssembler,
    refusal=ANTHROPIC_REFUSAL,
)
