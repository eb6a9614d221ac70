"""Bedrock Converse and ConverseStream: request, reply and frames. Not the blocks (bedrock_content.py), not the framing (aws_eventstream.py).

Source: Amazon Bedrock API reference, Converse, ConverseStream and their errors (2026-11).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import orjson

from addons.providers.aws_eventstream import write_frame
from addons.providers.bedrock_content import block_parts, message_parts, system_parts
from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.json_values import NotJson, array, count, loads, obj, text, words
from addons.providers.parts import JSON_TYPE, message_turns, tools
from addons.providers.paths import model_in, streams
from addons.providers.wire import Endpoint, Refusal, WireRequest

_READ_KEYS: Final = frozenset({"messages", "system", "toolConfig"})


def parse_call(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    declared = obj(body.get("toolConfig")).get("tools")
    turns = [Turn("system", declared, "/toolConfig/tools", tools)] if declared else []
    if body.get("system"):
        turns.append(Turn("system", body["system"], "/system", system_parts))
    turns += message_turns(messages, "/messages", message_parts)
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    if choice := {key: value for key, value in obj(body.get("toolConfig")).items() if key != "tools"}:
        rest["toolConfig"] = choice
    return Call(provider, "chat", "bedrock.converse", model_in(request.path), streams(request.path), tuple(turns), rest)


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    reason = text(body.get("stopReason"))
    return Reply(
        parts=(*_spoken(obj(body.get("output")).get("message")), *_trace(body)),
        finish_reasons=(reason,) if reason else (),
        usage=usage_of(body.get("usage")),
    )


def _spoken(message: Json) -> tuple[Part, ...]:
    return message_parts(message) if isinstance(message, dict) else ()


def _trace(body: dict[str, Json]) -> tuple[Part, ...]:
    """What a guardrail found and did."""
    found = body.get("trace") or body.get("amazon-bedrock-trace")
    return (Part(Kind.OTHER, words(found), name="trace", media_type=JSON_TYPE),) if found else ()


def usage_of(value: Json) -> Usage:
    usage = obj(value)
    cached = count(usage.get("cacheReadInputTokens"))
    return Usage(
        input_tokens=count(usage.get("inputTokens")),
        output_tokens=count(usage.get("outputTokens")),
        cached_tokens=count(usage.get("cacheReadInputTokenCount")) if cached is None else cached,
    )


class _BlockDraft:
    """One content block in the making: pieces by the keys that Converse's own blocks have."""

    def __init__(self, start: dict[str, Json]) -> None:
        self.tool = obj(start.get("toolUse"))
        self._rest = {key: value for key, value in start.items() if key != "toolUse"}
        self._text: list[str] = []
        self._input: list[str] = []
        self._reasoning: dict[str, list[str]] = {}
        self._citations: list[Json] = []
        self._result: list[dict[str, Json]] = []  # of a tool that the provider ran

    def add(self, delta: dict[str, Json]) -> None:
        for key, value in delta.items():
            if key == "text":
                self._text.append(words(value))
            elif key == "toolUse":
                self._input.append(words(obj(value).get("input")))
            elif key == "reasoningContent":
                for name, piece in obj(value).items():
                    self._reasoning.setdefault(name, []).append(words(piece))
            elif key == "toolResult":
                self._add_result(array(value))
            elif key == "citation":
                self._citations.append(value)
            else:
                self._rest[key] = value

    def _add_result(self, entries: list[Json]) -> None:
        """A text may be cut into many."""
        for entry in map(obj, entries):
            last = self._result[-1] if self._result else {}
            if entry.keys() == last.keys() == {"text"}:
                self._result[-1] = {"text": words(last["text"]) + words(entry["text"])}
            else:
                self._result.append(entry)

    def spelled(self) -> dict[str, Json]:
        block = dict(self._rest)
        if self.tool or self._input:
            block["toolUse"] = {**self.tool, "input": _input("".join(self._input), self.tool.get("input"))}
        if self._result:
            block["toolResult"] = {**obj(block.get("toolResult")), "content": self._result}
        if self._reasoning:
            said = {name: "".join(pieces) for name, pieces in self._reasoning.items()}
            block["reasoningContent"] = {"reasoningText": said, "redactedContent": said.get("redactedContent")}
        if self._text and self._citations:
            block["citationsContent"] = {"content": [{"text": "".join(self._text)}], "citations": self._citations}
        elif self._text:
            block["text"] = "".join(self._text)
        return block


def _input(said: str, announced: Json) -> Json:
    try:
        return loads(said.encode("utf-8", errors="replace")) if said else announced
    except NotJson:
        return said


class ConverseAssembler:
    """Puts content blocks together; a call is complete when its block stops. The metadata frame is the last."""

    end_markers: tuple[bytes, ...] = (b"metadata", b"exception")

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._drafts: dict[int, _BlockDraft] = {}
        self._open: set[int] = set()
        self._tail: dict[str, Json] = {}

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        if not event and len(body) == 1:  # Nova in InvokeModel wraps: {"contentBlockDelta": {…}}
            event = next(iter(body))
            body = obj(body[event])
        match event:
            case "contentBlockStart":
                self._start(body)
            case "contentBlockDelta":
                self._drafts.setdefault(_place(body), _BlockDraft({})).add(obj(body.get("delta")))
            case "contentBlockStop":
                return self._stop(_place(body))
            case "messageStop" | "metadata":
                self._tail |= body
                self.done = self.done or event == "metadata"
        return ()

    def _start(self, body: dict[str, Json]) -> None:
        place = _place(body)
        draft = self._drafts[place] = _BlockDraft(obj(body.get("start")))
        if draft.tool:
            self._open.add(place)
            self.holding = True

    def _stop(self, place: int) -> tuple[Part, ...]:
        if place not in self._open:
            return ()
        self._open.discard(place)
        self.holding = bool(self._open)
        return block_parts(self._drafts[place].spelled())

    def close(self) -> tuple[Part, ...]:
        return tuple([part for place in sorted(self._open) for part in self._stop(place)])

    def reply(self) -> Reply:
        content = [self._drafts[place].spelled() for place in sorted(self._drafts)]
        reply = parse_reply({**self._tail, "output": {"message": {"content": content}}})
        return replace(reply, complete=self.done or bool(reply.finish_reasons))


def _place(body: dict[str, Json]) -> int:
    index = body.get("contentBlockIndex")
    return index if isinstance(index, int) else 0


_EXCEPTIONS: Final = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
    429: "ThrottlingException",
}


def _error(status: int, code: str, message: str, exchange_id: str) -> bytes:
    """botocore takes the type from __type where the header x-amzn-errortype is absent."""
    kind = _EXCEPTIONS.get(status, "InternalServerException" if status >= 500 else "ValidationException")
    return orjson.dumps({"message": f"{message} [{code}] [{exchange_id}]", "__type": kind})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    headers = {":message-type": "exception", ":exception-type": "validationException", ":content-type": JSON_TYPE}
    return write_frame(headers, orjson.dumps({"message": f"{message} [{code}] [{exchange_id}]"}))


BEDROCK_REFUSAL: Final = Refusal(_error, _event)

BEDROCK_CONVERSE: Final = Endpoint(
    id="bedrock.converse",
    operation="chat",
    path=re.compile(r"/model/[^/]+/converse(-stream)?$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=ConverseAssembler,
    refusal=BEDROCK_REFUSAL,
)
