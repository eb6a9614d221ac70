"""OpenAI assistants, threads and runs: requests, replies and event stream. The server keeps the history; Azure still serves it.

Source: OpenAI API reference, "Assistants" (until its end in 2026-08); Azure OpenAI, "Assistants".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn
from addons.providers.failures import failure, failure_in
from addons.providers.generic import generic_reply
from addons.providers.json_values import array, compact, obj, text, words
from addons.providers.openai_content import content_parts, message_parts, tool_call
from addons.providers.openai_shapes import OPENAI_REFUSAL, usage_of
from addons.providers.parts import JSON_TYPE, message_turns, tools
from addons.providers.text_completion import prompt_parts
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, WireRequest

_SYSTEM_KEYS: Final = ("instructions", "additional_instructions")
_READ_KEYS: Final = frozenset({
    "tools", *_SYSTEM_KEYS, "thread", "messages", "additional_messages", "role", "content", "tool_outputs",
    "model", "stream",
})  # fmt: skip


def _output_parts(value: Json) -> tuple[Part, ...]:
    """What the client's tools answered to a run."""
    outputs = [obj(output) for output in array(value)]
    return tuple(
        [
            Part(Kind.TOOL_RESULT, words(output.get("output")), call_id=text(output.get("tool_call_id")))
            for output in outputs
        ]
    )


output_parts: Final = keeping_all(_output_parts)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    turns = [Turn("system", body["tools"], "/tools", tools)] if body.get("tools") else []
    turns += [Turn("system", body[key], f"/{key}", prompt_parts) for key in _SYSTEM_KEYS if body.get(key)]
    turns += message_turns(array(obj(body.get("thread")).get("messages")), "/thread/messages", message_parts)
    for key in ("messages", "additional_messages"):
        turns += message_turns(array(body.get(key)), f"/{key}", message_parts)
    if body.get("content"):
        turns.append(Turn(text(body.get("role")), body["content"], "/content", content_parts))
    if body.get("tool_outputs"):
        turns.append(Turn("tool", body["tool_outputs"], "/tool_outputs", output_parts))
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    if thread := {key: value for key, value in obj(body.get("thread")).items() if key != "messages"}:
        rest["thread"] = thread
    model, streamed = text(body.get("model")), body.get("stream") is True
    return Call(provider, "invoke_agent", "openai.assistants", model, streamed, tuple(turns), rest) if turns else None


def parse_reply(value: Json) -> Reply:
    """One object or a list of them, newest first, as the API lists them."""
    body = obj(value)
    things = [obj(thing) for thing in array(body.get("data"))] if body.get("object") == "list" else [body]
    known = [_READERS[kind](thing) for thing in things if (kind := text(thing.get("object"))) in _READERS]
    if not known:
        return generic_reply(value)
    return Reply(
        parts=tuple([part for reply in known for part in reply.parts]),
        model=known[0].model,
        response_id=known[0].response_id,
        finish_reasons=known[0].finish_reasons,
        usage=known[0].usage,
        error=known[0].error,
    )


def _message(body: dict[str, Json]) -> Reply:
    content = content_parts(body.get("content"))
    reason = text(obj(body.get("incomplete_details")).get("reason"))
    return Reply(parts=content, response_id=text(body.get("id")), finish_reasons=(reason,) if reason else ())


def _run(body: dict[str, Json]) -> Reply:
    asked = obj(obj(body.get("required_action")).get("submit_tool_outputs"))
    error = failure(body["last_error"], {}) if body.get("last_error") else None
    status = text(body.get("status"))
    return Reply(
        parts=(*[tool_call(obj(call)) for call in array(asked.get("tool_calls"))], *(error.parts if error else ())),
        model=text(body.get("model")),
        response_id=text(body.get("id")),
        finish_reasons=(status,) if status not in ("", "queued", "in_progress") else (),
        usage=usage_of(body.get("usage")),
        error=error.error if error else "",
    )


def _step(body: dict[str, Json]) -> Reply:
    calls = [obj(call) for call in array(obj(body.get("step_details")).get("tool_calls"))]
    parts = [part for call in calls for part in _executed(call)]
    return Reply(parts=tuple(parts), response_id=text(body.get("id")), usage=usage_of(body.get("usage")))


def _executed(call: dict[str, Json]) -> Iterator[Part]:
    """A step's tool call: the function's, or one that the server ran itself."""
    kind = text(call.get("type"))
    call_id = text(call.get("id"))
    said = obj(call.get(kind))
    if kind == "function":
        yield tool_call(call)
        if said.get("output") is not None:
            yield Part(Kind.TOOL_RESULT, words(said["output"]), call_id=call_id)
        return
    asked = {key: value for key, value in said.items() if key not in ("outputs", "results")}
    yield Part(Kind.TOOL_CALL, compact(asked), name=kind, call_id=call_id)
    if found := said.get("outputs") or said.get("results"):
        yield Part(Kind.TOOL_RESULT, compact(found), name=kind, call_id=call_id, media_type=JSON_TYPE)


_READERS: Final = {"thread.message": _message, "thread.run": _run, "thread.run.step": _step}


class RunAssembler:
    """What a run said: messages and steps as they end, text until then, and the calls it wants made."""

    end_markers: tuple[bytes, ...] = (b"[DONE]", b'"error"', b"event: error")

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._told: dict[str, tuple[Part, ...]] = {}  # by the object's id, in order of its first mention
        self._pieces: dict[str, list[str]] = {}
        self._run = Reply()

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        kind = text(body.get("object"))
        if event == "error" or body.get("error"):
            self._run = failure_in(value) or failure(value, {})
            self.done = True
        elif kind == "thread.run":
            return self._take_run(body)
        elif kind.endswith(".delta"):
            self._take_delta(text(body.get("id")), obj(body.get("delta")))
        elif kind in _READERS:
            self._told[text(body.get("id"))] = _READERS[kind](body).parts
        return ()

    def _take_run(self, body: dict[str, Json]) -> tuple[Part, ...]:
        self._run = _run(body)
        calls = tuple([part for part in self._run.parts if part.kind is Kind.TOOL_CALL])
        if calls or self._run.finish_reasons:
            self.holding = False
        return calls

    def _take_delta(self, id_: str, delta: dict[str, Json]) -> None:
        pieces = self._pieces.setdefault(id_, [])
        self._told.setdefault(id_, ())
        for entry in array(delta.get("content")):
            pieces += [part.content for part in content_parts([entry]) if part.kind is Kind.TEXT]
        calls = array(obj(delta.get("step_details")).get("tool_calls"))
        self.holding = self.holding or any(obj(call).get("type") == "function" for call in calls)

    def close(self) -> tuple[Part, ...]:
        self.holding = False
        return ()

    def _parts(self) -> Iterator[Part]:
        asked = {part.call_id for part in self._run.parts}
        for id_, told in self._told.items():
            unfinished = "".join(self._pieces.get(id_, []))
            yield from (part for part in told if part.kind is not Kind.TOOL_CALL or part.call_id not in asked)
            if unfinished and not told:
                yield Part(Kind.TEXT, unfinished)
        yield from self._run.parts

    def reply(self) -> Reply:
        run = self._run
        return Reply(
            parts=tuple(self._parts()),
            model=run.model,
            response_id=run.response_id,
            finish_reasons=run.finish_reasons,
            usage=run.usage,
            error=run.error,
            complete=self.done or bool(run.finish_reasons),
        )


OPENAI_ASSISTANTS: Final = Endpoint(
    id="openai.assistants",
    operation="invoke_agent",
    path=re.compile(r"/(assistants|threads)(/|$)"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=RunAssembler,
    refusal=OPENAI_REFUSAL,
    methods=frozenset({"GET", "POST", "DELETE"}),
)
