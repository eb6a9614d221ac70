"""What the masking matrix plants its values in: every request and every reply that can hold a text, by position, provider and transport. Not the run."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from scripts.canned_provider import WEBSOCKET, Canned
from scripts.measuring.stream_formats import FORMATS, SSE, sse

Json = Any
OUTSIDE = ("plain", "percent", "base64")  # of a body: headers, queries, paths, file names


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what its provider answers. `texts` stand in it where {n} stands."""

    position: str
    provider: str
    transport: str
    path: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    reply: Canned | None = None


def openai(position: str, text: str) -> Json:
    arguments, call = json.dumps({"note": said(position, "tool arguments", text)}), "call_1"
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": said(position, "system prompt", text)},
            {"role": "user", "content": said(position, "user text", text)},
            {"role": "assistant", "content": said(position, "history", text), "tool_calls": [{"id": call, "type": "function", "function": {"name": "note", "arguments": arguments}}]},
            {"role": "tool", "tool_call_id": call, "content": said(position, "tool result", text)},
        ],
        "tools": [{"type": "function", "function": {"name": "note", "description": said(position, "tool definition", text), "parameters": {"type": "object"}}}],
        "metadata": {said(position, "JSON key", text) or "who": said(position, "parameter", text)},
    }  # fmt: skip


def responses(position: str, text: str) -> Json:
    return {
        "model": "m",
        "instructions": said(position, "system prompt", text),
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": said(position, "user text", text)}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said(position, "history", text)}]},
            {"type": "function_call", "call_id": "c1", "name": "note", "arguments": json.dumps({"note": said(position, "tool arguments", text)})},
            {"type": "function_call_output", "call_id": "c1", "output": said(position, "tool result", text)},
        ],
        "tools": [{"type": "function", "name": "note", "description": said(position, "tool definition", text), "parameters": {"type": "object"}}],
        "metadata": {said(position, "JSON key", text) or "who": said(position, "parameter", text)},
    }  # fmt: skip


def anthropic(position: str, text: str) -> Json:
    return {
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": said(position, "system prompt", text) or "be brief"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": said(position, "user text", text)}]},
            {"role": "assistant", "content": [{"type": "text", "text": said(position, "history", text)}, {"type": "tool_use", "id": "t1", "name": "note", "input": {"note": said(position, "tool arguments", text)}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": said(position, "tool result", text)}]}]},
        ],
        "tools": [{"name": "note", "description": said(position, "tool definition", text), "input_schema": {"type": "object"}}],
        "metadata": {said(position, "JSON key", text) or "user_id": said(position, "parameter", text)},
    }  # fmt: skip


def gemini(position: str, text: str) -> Json:
    return {
        "systemInstruction": {"parts": [{"text": said(position, "system prompt", text)}]},
        "contents": [
            {"role": "user", "parts": [{"text": said(position, "user text", text)}]},
            {"role": "model", "parts": [{"text": said(position, "history", text)}, {"functionCall": {"name": "note", "args": {"note": said(position, "tool arguments", text)}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "note", "response": {"result": said(position, "tool result", text)}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "note", "description": said(position, "tool definition", text)}]}],
        "labels": {said(position, "JSON key", text) or "who": said(position, "parameter", text)},
    }  # fmt: skip


def bedrock(position: str, text: str) -> Json:
    return {
        "system": [{"text": said(position, "system prompt", text)}],
        "messages": [
            {"role": "user", "content": [{"text": said(position, "user text", text)}]},
            {"role": "assistant", "content": [{"text": said(position, "history", text)}, {"toolUse": {"toolUseId": "t1", "name": "note", "input": {"note": said(position, "tool arguments", text)}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": said(position, "tool result", text)}]}}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "note", "description": said(position, "tool definition", text), "inputSchema": {"json": {}}}}]},
        "requestMetadata": {said(position, "JSON key", text) or "who": said(position, "parameter", text)},
    }  # fmt: skip


def said(position: str, here: str, text: str) -> str:
    return text if position == here else ""


POSITIONS = (
    "system prompt",
    "user text",
    "history",
    "tool arguments",
    "tool result",
    "tool definition",
    "JSON key",
    "parameter",
)
BODIES: dict[str, tuple[str, Callable[[str, str], Json]]] = {
    "openai": ("/v1/chat/completions", openai),
    "openai responses": ("/v1/responses", responses),
    "anthropic": ("/v1/messages", anthropic),
    "gcp.gemini": ("/v1beta/models/m:generateContent", gemini),
    "aws.bedrock": ("/model/m/converse", bedrock),
    "cohere": ("/v2/chat", openai),
    "ollama": ("/api/chat", openai),
}
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
MULTIPART, FORM = "multipart/form-data; boundary=cut", "application/x-www-form-urlencoded"


def every(text: str, encoding: str) -> Iterator[Call]:
    yield from asked(text, encoding)
    yield from answered(text)
    yield from conversations(text)


def asked(text: str, encoding: str) -> Iterator[Call]:
    """Every request that can hold the text."""
    for provider, (path, body) in BODIES.items():
        for position in POSITIONS:
            yield Call(position, provider, "json", path, json.dumps(body(position, text)).encode())
    chat = json.dumps(openai("", "")).encode()
    if encoding in OUTSIDE:
        yield Call("header", "openai", "header", "/v1/chat/completions", chat, (("x-note", text),))
        yield Call(
            "cookie", "openai", "header", "/v1/chat/completions", chat, (("cookie", f"theme=dark; note={text}"),)
        )
        yield Call("path", "openai", "path", f"/v1/files/{quote(text, safe='')}/content", chat)
        yield Call("query", "openai", "query", f"/v1/chat/completions?note={quote(text, safe='')}", chat)
        yield Call("file name", "openai", "multipart", "/v1/files", multipart(text, "content"), content_type=MULTIPART)
    yield Call("part", "openai", "multipart", "/v1/files", multipart("note.txt", text), content_type=MULTIPART)
    yield Call("field", "openai", "form", "/v1/unknown", f"note={quote_plus(text)}".encode(), content_type=FORM)
    yield Call("body", "openai", "text", "/v1/unknown", text.encode(), content_type="text/plain")
    yield Call("broken JSON", "openai", "json", "/v1/chat/completions", json.dumps({"a": text}).encode()[:-1])
    yield Call("unknown endpoint", "openai", "json", "/v1/unknown", json.dumps({"a": [{"b": text}]}).encode())
    line = json.dumps({"custom_id": "1", "body": openai("user text", text)})
    yield Call("batch line", "openai", "multipart", "/v1/files", multipart("a.jsonl", line), content_type=MULTIPART)
    yield mcp("MCP arguments", {"name": "note", "arguments": {"note": text}})
    yield mcp("MCP resource", {"uri": f"note:{text}"}, method="resources/read")


def answered(text: str) -> Iterator[Call]:
    """Every reply that can hold the text: whole ones, streams in every format, cut in the middle of the text, errors."""
    chat = json.dumps(openai("user text", "hello")).encode()
    for form in FORMATS:
        middle = len(text) // 2
        stream = Canned(form.content_type, form.body([text[:middle], text[middle:]]), 9)
        yield Call(
            form.name,
            form.provider,
            "stream",
            form.path,
            json.dumps({"model": "m", "stream": True, "messages": []}).encode(),
            reply=stream,
        )
    message = {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    }
    yield Call(
        "reply",
        "openai",
        "json",
        "/v1/chat/completions",
        chat,
        reply=Canned("application/json", json.dumps(message).encode(), 0),
    )
    failure = Canned("application/json", json.dumps({"error": {"message": text, "type": "x"}}).encode(), 0, 400)
    yield Call("error", "openai", "json", "/v1/chat/completions", chat, reply=failure)
    yield Call(
        "error page",
        "openai",
        "text",
        "/v1/chat/completions",
        chat,
        reply=Canned("text/html", f"<p>{html.escape(text)}".encode(), 0, 502),
    )

    for position, result in (
        ("MCP result", {"content": [{"type": "text", "text": text}]}),
        ("MCP structured result", {"content": [], "structuredContent": {"rows": [{"note": text}]}}),
    ):
        said = {"jsonrpc": "2.0", "id": 1, "result": result}
        yield mcp(position, {"name": "note"}, Canned("application/json", json.dumps(said).encode(), 0))
        yield mcp(position, {"name": "note"}, Canned(SSE, sse(said), 3), transport="stream")


def mcp(
    position: str, params: Json, reply: Canned | None = None, *, method: str = "tools/call", transport: str = "json"
) -> Call:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return Call(position, "mcp", transport, "/mcp", json.dumps(body).encode(), reply=reply)


def conversations(text: str) -> Iterator[Call]:
    """WebSockets: what a client says, and what it is told, cut over two messages."""
    two = [text[: len(text) // 2], text[len(text) // 2 :]]
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "i", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    call = {"type": "function_call", "id": "i", "call_id": "c", "name": "note", "arguments": json.dumps({"note": text})}
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    result = {"type": "function_call_output", "call_id": "c", "output": text}
    go = {"type": "response.create"}
    for name, path, end in (
        ("realtime", "/v1/realtime?model=m", "response.done"),
        ("codex", "/v1/responses", "response.completed"),
    ):
        told = [{"type": "response.output_text.delta", **place, "delta": piece} for piece in two]
        done = {"type": end, "response": {"id": "r", "status": "completed", "output": [item]}}
        called = {"type": end, "response": {"id": "r", "status": "completed", "output": [call]}}
        given = {"type": "response.create", "model": "m", "input": [user, result]}
        yield _spoken(f"{name}, settings", path, [{"type": "session.update", "session": {"instructions": text}}])
        yield _spoken(f"{name}, user text", path, [{"type": "conversation.item.create", "item": user}])
        yield _spoken(f"{name}, tool result", path, [{"type": "conversation.item.create", "item": result}])
        yield _spoken(f"{name}, whole request", path, [given])
        yield _spoken(f"{name}, reply", path, [go], [*told, done])
        yield _spoken(f"{name}, tool arguments", path, [go], [called])
    turn = {"role": "user", "parts": [{"text": text}]}
    said = [{"serverContent": {"modelTurn": {"parts": [{"text": piece}]}}} for piece in two]
    heard = [{"serverContent": {"outputTranscription": {"text": piece}}} for piece in two]
    over = {"serverContent": {"turnComplete": True}}
    turn_over = {"clientContent": {"turnComplete": True}}
    calls = {"toolCall": {"functionCalls": [{"id": "f", "name": "note", "args": {"note": text}}]}}
    answer = {"toolResponse": {"functionResponses": [{"id": "f", "name": "note", "response": {"result": text}}]}}
    for position, client, server in (
        ("live, settings", [{"setup": {"model": "m", "systemInstruction": {"parts": [{"text": text}]}}}], []),
        ("live, user text", [{"clientContent": {"turns": [turn], "turnComplete": True}}], []),
        ("live, tool result", [answer], []),
        ("live, reply", [turn_over], [*said, over]),
        ("live, transcript", [turn_over], [*heard, over]),
        ("live, tool arguments", [turn_over], [calls]),
    ):  # fmt: skip
        yield _spoken(position, LIVE, client, server, provider="gcp.gemini")


def _spoken(
    position: str, path: str, client: list[Json], server: list[Json] | None = None, provider: str = "openai"
) -> Call:
    """A line a message. Where the provider has nothing to say, it says that it heard."""
    asked, told = (
        b"\n".join(json.dumps(one).encode() for one in said) for said in (client, server or [{"type": "pong"}])
    )
    return Call(position, provider, "websocket", path, asked, reply=Canned(WEBSOCKET, told))


def numbers(number: int) -> Iterator[Call]:
    """Where JSON has a number: no string in which it could be looked for."""
    note = {"note": number}
    yield Call(
        "JSON number",
        "openai",
        "json",
        "/v1/chat/completions",
        json.dumps(openai("", "") | {"metadata": note}).encode(),
    )
    arguments = openai("", "")
    arguments["messages"][2]["tool_calls"][0]["function"]["arguments"] = json.dumps({"rows": [[1, number]]})
    yield Call("JSON number in arguments", "openai", "json", "/v1/chat/completions", json.dumps(arguments).encode())
    used = anthropic("", "")
    used["messages"][1]["content"][1]["input"] = note
    yield Call("JSON number in arguments", "anthropic", "json", "/v1/messages", json.dumps(used).encode())
    given = gemini("", "")
    given["contents"][2]["parts"][0]["functionResponse"]["response"] = note
    yield Call(
        "JSON number in a result", "gcp.gemini", "json", "/v1beta/models/m:generateContent", json.dumps(given).encode()
    )
    yield mcp("JSON number in arguments", {"name": "note", "arguments": note})
    call = {"functionCall": {"name": "note", "args": note}}
    reply = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}]}
    yield Call(
        "JSON number in a reply",
        "gcp.gemini",
        "json",
        "/v1beta/models/m:generateContent",
        json.dumps(gemini("", "")).encode(),
        reply=Canned("application/json", json.dumps(reply).encode(), 0),
    )
    yield Call(
        "JSON number in a reply",
        "openai",
        "json",
        "/v1/unknown",
        b"{}",
        reply=Canned("application/json", json.dumps({"rows": [note]}).encode(), 0),
    )
    yield _spoken(
        "JSON number in a message",
        LIVE,
        [{"toolResponse": {"functionResponses": [{"id": "f", "name": "note", "response": note}]}}],
        [{"toolCall": {"functionCalls": [{"id": "f", "name": "note", "args": note}]}}],
        "gcp.gemini",
    )


def multipart(name: str, text: str) -> bytes:
    head = f'--cut\r\ncontent-disposition: form-data; name="file"; filename="{name.replace(chr(34), chr(39))}"\r\ncontent-type: text/plain\r\n\r\n'
    return f"{head}{text}\r\n--cut--\r\n".encode()
