"""Ollama's own chat: request, reply and lines. Its /api/generate is text_completion.py, its /api/embed embeddings.py.

A stream unless the request says otherwise. Tool arguments are objects here, kept as compact JSON.
Source: Ollama, docs/api.md (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn, Usage
from addons.providers.failures import failure_in
from addons.providers.json_values import array, count, obj, text
from addons.providers.openai_content import content_parts, tool_call
from addons.providers.parts import message_turns, tools
from addons.providers.text_completion import image_parts
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, Refusal, WireRequest

_READ_KEYS: Final = frozenset({"messages", "tools", "model", "stream"})


def _message_parts(message: Json) -> tuple[Part, ...]:
    body = obj(message)
    said = content_parts(body.get("content"))
    if body.get("role") == "tool":
        name = text(body.get("tool_name")) or text(body.get("name"))
        call_id = text(body.get("tool_call_id"))
        return tuple([Part(Kind.TOOL_RESULT, part.content, name=name, call_id=call_id) for part in said])
    thought = text(body.get("thinking"))
    return (
        *((Part(Kind.REASONING, thought),) if thought else ()),
        *said,
        *image_parts(body.get("images")),
        *[tool_call(obj(call)) for call in array(body.get("tool_calls"))],
    )


message_parts: Final = keeping_all(_message_parts)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    turns = [Turn("system", body["tools"], "/tools", tools)] if body.get("tools") else []
    turns += message_turns(messages, "/messages", message_parts)
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    streamed = body.get("stream") is not False
    return Call(provider, "chat", "ollama.chat", text(body.get("model")), streamed, tuple(turns), rest)


def parse_reply(value: Json) -> Reply:
    body = obj(value)
    reason = text(body.get("done_reason"))
    return Reply(
        parts=message_parts(body.get("message")),
        model=text(body.get("model")),
        finish_reasons=(reason,) if reason else (),
        usage=Usage(count(body.get("prompt_eval_count")), count(body.get("eval_count"))),
        complete=body.get("done") is not False,
    )


class OllamaAssembler:
    """Joins the messages of the lines; a tool call comes whole."""

    end_markers: tuple[bytes, ...] = (b'"done":true', b'"done": true', b'"error"')

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._last: dict[str, Json] = {"done": False}
        self._content: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[Json] = []
        self._images: list[Json] = []
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        if event == "error" or body.get("error"):
            self._failure = failure_in(value)
        message = obj(body.get("message"))
        self._content.append(text(message.get("content")))
        self._thinking.append(text(message.get("thinking")))
        calls = array(message.get("tool_calls"))
        self._calls += calls
        self._images += array(message.get("images"))
        self._last |= {key: said for key, said in body.items() if key != "message"}
        self.done = self.done or body.get("done") is True or self._failure is not None
        return tuple([tool_call(obj(call)) for call in calls])

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        message = {
            "content": "".join(self._content),
            "thinking": "".join(self._thinking),
            "images": self._images,
            "tool_calls": self._calls,
        }
        reply = parse_reply({**self._last, "message": message})
        failed = self._failure
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            model=reply.model,
            finish_reasons=reply.finish_reasons,
            usage=reply.usage,
            error=failed.error if failed else "",
            complete=self.done,
        )


def _error(_status: int, code: str, message: str, exchange_id: str) -> bytes:
    return orjson.dumps({"error": f"{message} [{code}] [{exchange_id}]"})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    return _error(0, code, message, exchange_id) + b"\n"


OLLAMA_REFUSAL: Final = Refusal(_error, _event)

OLLAMA_CHAT: Final = Endpoint(
    id="ollama.chat",
    operation="chat",
    path=re.compile(r"/api/chat$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=OllamaAssembler,
    refusal=OLLAMA_REFUSAL,
)
