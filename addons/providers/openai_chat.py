"""OpenAI chat completions: request, reply and event stream. Not the messages' content: openai_content.py reads that.

Spoken, with variations, by most vendors; the variations known are read here rather than in a dialect of each.
Source: OpenAI API reference, "Create chat completion", "Streaming" (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn
from addons.providers.failures import failure, failure_in
from addons.providers.json_values import array, compact, obj, text
from addons.providers.openai_content import message_parts
from addons.providers.openai_deltas import MessageDraft
from addons.providers.openai_shapes import OPENAI_REFUSAL, usage_of
from addons.providers.parts import JSON_TYPE, message_turns, tools
from addons.providers.wire import Endpoint, WireRequest

_TOOL_KEYS: Final = ("tools", "functions")
_READ_KEYS: Final = frozenset({"messages", "model", "model_id", "stream", *_TOOL_KEYS})
_SOURCE_KEYS: Final = (
    "citations",
    "search_results",
    "images",
)  # what a searching model (Perplexity, xAI) shows beside its text


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    turns = [Turn("system", body[key], f"/{key}", tools) for key in _TOOL_KEYS if body.get(key)]
    turns += message_turns(messages, "/messages", message_parts)
    model = text(body.get("model")) or text(body.get("model_id"))  # the latter: watsonx
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    return Call(provider, "chat", "openai.chat", model, body.get("stream") is True, tuple(turns), rest)


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    choices = [obj(choice) for choice in array(body.get("choices"))]
    messages = [obj(choice.get("message")) for choice in choices]
    reply = _reply(body, messages, [_reason(choice) for choice in choices])
    failed = _failure_of(body, choices)
    return replace(reply, parts=(*reply.parts, *failed.parts), error=failed.error) if failed else reply


def _reason(choice: dict[str, Json]) -> str:
    """Mistral on Bedrock says stop_reason; servers that say both keep a number or null in it."""
    return text(choice.get("finish_reason")) or text(choice.get("stop_reason"))


def _failure_of(body: dict[str, Json], choices: list[dict[str, Json]]) -> Reply | None:
    """OpenRouter tells a failure of the model's host beside what was answered until then, or within it."""
    failures = [body.get("error"), *[choice.get("error") for choice in choices]]
    return next((failure(error, {}) for error in failures if error), None)


def _reply(body: dict[str, Json], messages: Iterable[dict[str, Json]], finish_reasons: Iterable[str]) -> Reply:
    parts = [part for message in messages if message for part in message_parts(message)]
    return Reply(
        parts=(*parts, *_sources(body)),
        model=text(body.get("model")) or text(body.get("model_id")),
        response_id=text(body.get("id")),
        finish_reasons=tuple(reason for reason in finish_reasons if reason),
        usage=usage_of(body.get("usage") or obj(body.get("x_groq")).get("usage")),
    )


def _sources(body: dict[str, Json]) -> Iterator[Part]:
    for key in _SOURCE_KEYS:
        if found := body.get(key):
            yield Part(Kind.OTHER, compact(found), name=key, media_type=JSON_TYPE)


class ChatAssembler:
    """Puts the deltas of a stream together, choice by choice.

    A tool call counts as complete when its choice finishes, not when the next call begins: nothing in the format forbids a
    server to come back to an earlier index.
    """

    end_markers: tuple[bytes, ...] = (b"[DONE]", b'"error"')

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._envelope: dict[str, Json] = {}
        self._model = ""
        self._drafts: dict[int, MessageDraft] = {}
        self._open: set[int] = set()  # choices with a call that is not complete
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        choices = body.get("choices")
        if not choices:
            self._note_failure(event, value)
        elif body.get("error"):
            self._failure = self._failure or _failure_of(body, [])
        if not self._model or not _LATE_KEYS.isdisjoint(body):
            self._envelope |= {key: body[key] for key in _ENVELOPE_KEYS if body.get(key)}
            self._model = text(body.get("model")) or text(body.get("model_id"))
        if not isinstance(choices, list):
            return ()
        completed: list[Part] = []
        for choice in choices:
            completed += self._take_choice(obj(choice), whole=body.get("object") == "chat.completion")
        return tuple(completed)

    def _take_choice(self, choice: dict[str, Json], *, whole: bool) -> tuple[Part, ...]:
        index = choice.get("index")
        place = index if isinstance(index, int) else 0
        draft = self._drafts.get(place)
        if draft is None:
            draft = self._drafts[place] = MessageDraft()
        delta = choice.get("delta")
        if whole and not delta and choice.get("message"):
            draft.say_again(obj(choice.get("message")))
        else:
            draft.add(obj(delta or choice.get("message")))
        reason = choice.get("finish_reason") or choice.get("stop_reason")
        completed = draft.finish(reason) if reason and isinstance(reason, str) else ()
        if choice.get("error"):
            self._failure = self._failure or _failure_of({}, [choice])
        if draft.calls or draft.function or self._open:
            (self._open.add if draft.holding else self._open.discard)(place)
            self.holding = bool(self._open)
        return completed

    def _note_failure(self, event: str, value: Json) -> None:
        found = failure_in(value) or (failure(value, {}) if event == "error" else None)
        self._failure = self._failure or found
        self.done = self.done or found is not None  # an SDK raises here and reads no further

    def close(self) -> tuple[Part, ...]:
        self.holding = False
        return tuple([part for draft in self._drafts.values() for part in draft.finish("")])

    def reply(self) -> Reply:
        drafts = [self._drafts[place] for place in sorted(self._drafts)]
        reply = _reply(self._envelope, [draft.message() for draft in drafts], [draft.reason for draft in drafts])
        complete = self.done or (bool(drafts) and all(draft.reason for draft in drafts))
        failed = self._failure
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            model=reply.model,
            response_id=reply.response_id,
            finish_reasons=reply.finish_reasons,
            usage=reply.usage,
            error=failed.error if failed else "",
            complete=complete,
        )


_LATE_KEYS: Final = frozenset({"usage", "x_groq", *_SOURCE_KEYS})
_ENVELOPE_KEYS: Final = ("id", "model", "model_id", *_LATE_KEYS)

OPENAI_CHAT: Final = Endpoint(
    id="openai.chat",
    operation="chat",
    path=re.compile(r"/(chat|agents)/completions$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=ChatAssembler,
    refusal=OPENAI_REFUSAL,
)
