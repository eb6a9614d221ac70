"""Gemini's Interactions API: request, reply and event stream. Not generateContent (gemini.py); the server keeps the history.

    {"steps": [{"type": "thought", "signature": …}, {"type": "model_output", "content": [{"type": "text", "text": …}]}]}
Earlier replies say `outputs` and content.start where today's say `steps` and step.start.
Source: Google, "Gemini API reference", Interactions (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.failures import failure, failure_in
from addons.providers.gemini import GEMINI_REFUSAL, audio_in
from addons.providers.json_values import array, count, obj, text, words
from addons.providers.media import by_url, by_value, kind_of
from addons.providers.parts import message_turns, sealed, tools, whole
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, WireRequest

_READ_KEYS: Final = frozenset({"input", "system_instruction", "tools", "model", "agent", "stream"})
_MEDIA: Final = frozenset({"image", "audio", "video", "document"})


def _step_parts(step: Json) -> tuple[Part, ...]:
    """A step of either side, a turn, or an entry of their content: all are objects with a type."""
    if isinstance(step, str):
        return (Part(Kind.TEXT, step),) if step else ()
    body = obj(step)
    return tuple(_read(body)) if body else whole(step)


def _read(body: dict[str, Json]) -> Iterator[Part]:
    kind = text(body.get("type"))
    if kind == "text":
        yield from _step_parts(text(body.get("text")))
    elif kind in _MEDIA:
        yield _media(body, kind)
    elif kind == "thought":
        yield from _thought(body)
    elif kind.endswith("_call"):
        yield Part(Kind.TOOL_CALL, words(body.get("arguments") or {}), name=_name(body), call_id=text(body.get("id")))
    elif kind.endswith("_result"):
        name = "error" if body.get("is_error") is True else text(body.get("name"))
        yield Part(Kind.TOOL_RESULT, words(body.get("result")), name=name, call_id=text(body.get("call_id")))
    else:
        content = body.get("content")
        for entry in content if isinstance(content, list) else [content or ""]:
            yield from _step_parts(entry)


def _name(body: dict[str, Json]) -> str:
    name = text(body.get("name")) or text(body.get("type")).removesuffix("_call")
    server = text(body.get("server_name"))
    return f"{server}.{name}" if server else name


def _media(body: dict[str, Json], kind: str) -> Part:
    media_type = text(body.get("mime_type")) or kind
    if data := text(body.get("data")):
        return by_value(media_type, data, kind=kind_of(media_type))
    return by_url(kind_of(media_type), text(body.get("uri")))


def _thought(body: dict[str, Json]) -> Iterator[Part]:
    said = [words(obj(entry).get("text")) for entry in array(body.get("summary"))]
    for piece in said:
        if piece:
            yield Part(Kind.REASONING, piece)
    if not any(said) and (signature := text(body.get("signature"))):
        yield sealed(signature)


step_parts: Final = keeping_all(_step_parts)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    if "input" not in body:
        return None
    turns = [Turn("system", body["tools"], "/tools", tools)] if body.get("tools") else []
    if body.get("system_instruction"):
        turns.append(Turn("system", body["system_instruction"], "/system_instruction", step_parts))
    asked = body["input"]
    if isinstance(asked, list):
        turns += message_turns(asked, "/input", step_parts, "user")
    elif asked:
        turns.append(Turn("user", asked, "/input", step_parts))
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    model = text(body.get("model")) or text(body.get("agent"))
    return Call(
        provider, "generate_content", "gemini.interactions", model, body.get("stream") is True, tuple(turns), rest
    )


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    steps = array(body.get("steps")) or array(body.get("outputs"))
    status = text(body.get("status"))
    failed = failure(body["error"], {}) if body.get("error") else None
    return Reply(
        parts=(*[part for step in steps for part in step_parts(step)], *(failed.parts if failed else ())),
        model=text(body.get("model")) or text(body.get("agent")),
        response_id=text(body.get("id")),
        finish_reasons=(status,) if status not in ("", "in_progress") else (),
        usage=usage_of(body.get("usage")),
        error=failed.error if failed else "",
    )


def usage_of(value: Json) -> Usage:
    usage = obj(value)
    return Usage(
        input_tokens=count(usage.get("total_input_tokens")),
        output_tokens=count(usage.get("total_output_tokens")),
        reasoning_tokens=count(usage.get("total_thought_tokens", usage.get("total_reasoning_tokens"))),
        cached_tokens=count(usage.get("total_cached_tokens")),
        audio_tokens=audio_in(usage, ("input_tokens_by_modality", "output_tokens_by_modality"), ("tokens",)),
    )


class _StepDraft:
    """One step in the making."""

    def __init__(self, step: dict[str, Json]) -> None:
        self._step = step
        self._text: list[str] = []
        self._summary: list[Json] = []
        self._arguments: list[str] = []
        self._content: list[Json] = []

    @property
    def is_the_clients(self) -> bool:
        return text(self._step.get("type")) == "function_call"

    @property
    def is_call(self) -> bool:
        return text(self._step.get("type")).endswith("_call")

    def add(self, delta: dict[str, Json]) -> None:
        kind = text(delta.get("type"))
        if kind == "text":
            self._text.append(words(delta.get("text")))
        elif kind == "thought_summary":
            self._summary.append(delta.get("content"))
        elif kind == "arguments_delta":
            self._arguments.append(words(delta.get("arguments")))
        elif kind in _MEDIA or kind == "text_annotation_delta":
            self._content.append(delta)
        else:
            self._step = {**self._step, **{key: value for key, value in delta.items() if value and key != "type"}}

    def spelled(self) -> dict[str, Json]:
        said: dict[str, Json] = {"summary": self._summary} if self._summary else {}
        if self._arguments:
            said["arguments"] = "".join(self._arguments)
        if text(self._step.get("type")) == "text":  # the earlier spelling, where a text is a step of its own
            said["text"] = "".join(self._text)
        elif self._text or self._content:
            spoken = [{"type": "text", "text": "".join(self._text)}] if self._text else []
            said["content"] = [*spoken, *self._content]
        return {**self._step, **said}


class InteractionsAssembler:
    """Puts the steps together; a call is complete when its step stops."""

    end_markers: tuple[bytes, ...] = (b"interaction.complete", b'"error"')

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._interaction: dict[str, Json] = {}
        self._drafts: dict[int, _StepDraft] = {}
        self._open: set[int] = set()
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        kind = text(body.get("event_type")) or event
        index = body.get("index")
        place = index if isinstance(index, int) else 0
        if kind == "error" or body.get("error"):
            self._failure = failure_in(value) or failure(value, {})
            self.done = True
        elif kind in ("step.start", "content.start"):
            self._start(place, obj(body.get("step")) or obj(body.get("content")))
        elif kind in ("step.delta", "content.delta"):
            self._drafts.setdefault(place, _StepDraft({})).add(obj(body.get("delta")))
        elif kind in ("step.stop", "content.stop"):
            return self._stop(place)
        self._interaction |= obj(body.get("interaction"))
        self.done = self.done or kind in ("interaction.completed", "interaction.complete")
        return ()

    def _start(self, place: int, step: dict[str, Json]) -> None:
        draft = self._drafts[place] = _StepDraft(step)
        if draft.is_call:
            self._open.add(place)
            self.holding = self.holding or draft.is_the_clients

    def _stop(self, place: int) -> tuple[Part, ...]:
        if place not in self._open:
            return ()
        self._open.discard(place)
        self.holding = self.holding and bool(self._open)
        return step_parts(self._drafts[place].spelled())

    def close(self) -> tuple[Part, ...]:
        return tuple([part for place in sorted(self._open) for part in self._stop(place)])

    def reply(self) -> Reply:
        told = [self._drafts[place].spelled() for place in sorted(self._drafts)]
        reply = parse_reply({**self._interaction, "steps": told or self._interaction.get("steps")})
        failed = self._failure
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            model=reply.model,
            response_id=reply.response_id,
            finish_reasons=reply.finish_reasons if self.done else (),
            usage=reply.usage,
            error=reply.error or (failed.error if failed else ""),
            complete=self.done,
        )


GEMINI_INTERACTIONS: Final = Endpoint(
    id="gemini.interactions",
    operation="generate_content",
    path=re.compile(r"/interactions$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=InteractionsAssembler,
    refusal=GEMINI_REFUSAL,
)
