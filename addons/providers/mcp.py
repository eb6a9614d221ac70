"""Model Context Protocol over HTTP: an agent's calls to its tools' servers. Not the SSE transport's session, not stdio.

    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": …, "arguments": {…}}}
    {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": …}], "isError": false}}
    {"method": "resources/read", "params": {"uri": …}}         {"result": {"contents": [{"uri": …, "mimeType": …, "text": … | "blob": base64}]}}
    {"method": "prompts/get", "params": {"name": …, …}}        {"result": {"messages": [{"role": …, "content": {"type": "text", "text": …}}]}}

A resource that is read, and a prompt that is fetched, is a call as a tool's is: its name is the method.
Source: modelcontextprotocol.io, specification 2025-11-25, "Transports", "Tools", "Resources", "Prompts"; JSON-RPC 2.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import orjson

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn
from addons.providers.failures import failure
from addons.providers.json_values import array, compact, obj, text, words
from addons.providers.media import by_value
from addons.providers.parts import JSON_TYPE, whole
from addons.providers.unsaid import keeping_all
from addons.providers.wire import Endpoint, Refusal, WireRequest

_CALLS: Final = frozenset({"tools/call", "resources/read", "prompts/get"})


def _message_parts(value: Json) -> tuple[Part, ...]:
    """One message of either side: a call of a tool, an answer, or anything else whole."""
    body = obj(value)
    if text(body.get("method")) in _CALLS:
        return (_call(body),)
    if "method" in body or not ("result" in body or "error" in body):
        return whole(value)
    call_id = words(body.get("id"))
    if body.get("error"):
        return (Part(Kind.TOOL_RESULT, words(body["error"]), name="error", call_id=call_id),)
    result = obj(body.get("result"))
    if isinstance(result.get("content"), list):
        return tuple(_content(result, call_id))
    if isinstance(result.get("contents"), list):
        return tuple([_resource(obj(entry), call_id) for entry in array(result["contents"])])
    if isinstance(result.get("messages"), list):
        return tuple([_spoken(obj(entry), call_id) for entry in array(result["messages"])])
    return (Part(Kind.OTHER, compact(body.get("result")), name="result", call_id=call_id, media_type=JSON_TYPE),)


message_parts: Final = keeping_all(_message_parts)


def _call(body: dict[str, Json]) -> Part:
    params = obj(body.get("params"))
    if body.get("method") != "tools/call":
        return Part(Kind.TOOL_CALL, compact(params), name=text(body.get("method")), call_id=words(body.get("id")))
    arguments = words({} if params.get("arguments") is None else params["arguments"])
    return Part(Kind.TOOL_CALL, arguments, name=text(params.get("name")), call_id=words(body.get("id")))


def _content(result: dict[str, Json], call_id: str) -> Iterator[Part]:
    name = "error" if result.get("isError") is True else ""
    for entry in map(obj, array(result.get("content"))):
        yield _block(entry, name, call_id)
    if structured := result.get("structuredContent"):
        yield Part(Kind.TOOL_RESULT, compact(structured), name="structured", call_id=call_id, media_type=JSON_TYPE)


def _block(entry: dict[str, Json], name: str, call_id: str) -> Part:
    kind = text(entry.get("type"))
    if kind == "text":
        return Part(Kind.TOOL_RESULT, words(entry.get("text")), name=name, call_id=call_id)
    if kind in ("image", "audio"):
        return by_value(text(entry.get("mimeType")), text(entry.get("data")), kind=Kind(kind), call_id=call_id)
    if kind == "resource" and isinstance(entry.get("resource"), dict):
        return _resource(obj(entry["resource"]), call_id)
    return Part(Kind.TOOL_RESULT, compact(entry), name=name, call_id=call_id, media_type=JSON_TYPE)


def _resource(entry: dict[str, Json], call_id: str) -> Part:
    """Its address is the part's name."""
    uri, media_type = text(entry.get("uri")), text(entry.get("mimeType"))
    if isinstance(entry.get("blob"), str):
        return by_value(media_type, text(entry["blob"]), name=uri, call_id=call_id)
    return Part(Kind.TOOL_RESULT, words(entry.get("text")), name=uri, call_id=call_id, media_type=media_type)


def _spoken(entry: dict[str, Json], call_id: str) -> Part:
    """A message of a prompt; who says it is the part's name."""
    return _block(obj(entry.get("content")), text(entry.get("role")), call_id)


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    if "jsonrpc" not in body:
        return None
    return _asked(provider, (_turn(body, ""),))


def parse_batch(provider: str, messages: list[Json]) -> Call | None:
    """JSON-RPC's batch, which MCP had until 2025-06-18 and servers still take: each message is a turn of its own."""
    if not messages or any("jsonrpc" not in obj(message) for message in messages):
        return None
    return _asked(provider, tuple([_turn(message, f"/{place}") for place, message in enumerate(messages)]))


def _turn(message: Json, pointer: str) -> Turn:
    return Turn("assistant" if text(obj(message).get("method")) else "tool", message, pointer, message_parts)


def _asked(provider: str, turns: tuple[Turn, ...]) -> Call:
    operation = "execute_tool" if any(turn.raw.get("method") == "tools/call" for turn in turns) else ""
    return Call(provider, operation, "mcp", "", streamed=False, turns=turns, parameters={})


def parse_reply(value: Json) -> Reply:
    return _reply([value])


def _reply(messages: list[Json]) -> Reply:
    bodies = [obj(message) for message in messages]
    errors = [failure(body["error"], {}).error for body in bodies if body.get("error")]
    failed = [obj(body.get("result")).get("isError") is True for body in bodies]
    return Reply(
        parts=tuple([part for message in messages for part in message_parts(message)]),
        finish_reasons=("error",) if any(failed) else (),
        error=errors[0] if errors else "",
    )


class McpAssembler:
    """Messages of one stream: progress, requests of the server, and the answer."""

    end_markers: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._messages: list[Json] = []

    def take(self, event: str, value: Json) -> tuple[Part, ...]:  # noqa: ARG002 - every message is an event "message"
        self._messages.append(value)
        return ()

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        return _reply(self._messages)


def _error(_status: int, code: str, message: str, exchange_id: str) -> bytes:
    """A server's own errors have codes from -32000 to -32099."""
    error = {"code": -32001, "message": message, "data": {"code": code, "exchange_id": exchange_id}}
    return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error})


def _event(code: str, message: str, exchange_id: str) -> bytes:
    return b"event: message\ndata: " + _error(0, code, message, exchange_id) + b"\n\n"


MCP_REFUSAL: Final = Refusal(_error, _event)

MCP_RPC: Final = Endpoint(
    id="mcp",
    operation="",
    path=re.compile(r""),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=McpAssembler,
    refusal=MCP_REFUSAL,
    parse_batch=parse_batch,
    methods=frozenset(
        {"POST", "GET", "DELETE"}
    ),  # GET: a stream of the server's own messages; DELETE: the session's end
)
