"""A matrix of planted values through a real gateway: position x encoding x provider x transport. What of them is in anything that it wrote.

Every cell has values of its own, so that a leak names its cell. The provider is canned, on loopback; the masking rules are those that are asked about.
"""

from __future__ import annotations

import base64
import html
import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from addons.evidence.database import reader
from scripts import canned_provider, traces
from scripts.canned_provider import ASKED, Canned, CannedProvider
from scripts.local_gateway import Gateway, State, clean_environment, running
from scripts.measuring.masking_corpus import Maker
from scripts.measuring.stream_formats import FORMATS

Json = Any
CONNECTION = """\
  - id: {id}
    provider: {provider}
    upstream: http://127.0.0.1:{port}
    allow_private: true
    credential: none
    groups: [coverage]
"""
IDENTITY = "version: 1\nlocal: allow\nrights:\n  - {id: affidavit-coverage, groups: [coverage], connections: ['*']}\n"
APPROVAL, RETENTION, CONTROLS = (
    "version: 1\nrules: []\n",
    "version: 1\ndefault: {content_days: 30, metadata_days: 90}\n",
    "version: 1\ncontrols: []\n",
)
KINDS: dict[str, Callable[[Maker], str]] = {
    "card": Maker.card,
    "email": Maker.email,
    "api key": Maker.openai,
    "access key": Maker.aws,
}
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json escapes": lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    "json in json": lambda value: json.dumps({"note": json.dumps({"value": value})}),
    "percent": lambda value: "".join(f"%{ord(letter):02X}" for letter in value),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
    "html": lambda value: "".join(f"&#{ord(letter)};" for letter in value),
}
OUTSIDE = ("plain", "percent", "base64")  # of a body: headers, queries, file names
NAME = "affidavit-coverage"
# `always` takes the callers' own tokens off every call, so it proves nothing; a cookie is masked by nothing else
MASKED = "SELECT count(DISTINCT exchange_id) FROM maskings WHERE rule <> 'always' OR location = 'header:cookie'"


class Unrecorded(Exception):  # noqa: N818 -- a state of the run
    """The matrix says nothing: not every call is in the record."""


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


@dataclass(frozen=True, slots=True)
class Cell:
    position: str
    encoding: str
    provider: str
    transport: str
    planted: int
    missed: tuple[str, ...]  # kinds

    def told(self) -> dict[str, Json]:
        return {
            "position": self.position, "encoding": self.encoding, "provider": self.provider, "transport": self.transport,
            "planted": self.planted, "hidden": self.planted - len(self.missed), "missed": list(self.missed),
        }  # fmt: skip


# -- what is asked --------------------------------------------------------------------------------------------------


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
        yield Call("query", "openai", "query", f"/v1/chat/completions?note={quote(text, safe='')}", chat)
        yield Call("file name", "openai", "multipart", "/v1/files", multipart(text, "content"), content_type=MULTIPART)
    yield Call("part", "openai", "multipart", "/v1/files", multipart("note.txt", text), content_type=MULTIPART)
    yield Call("field", "openai", "form", "/v1/unknown", f"note={quote_plus(text)}".encode(), content_type=FORM)
    yield Call("body", "openai", "text", "/v1/unknown", text.encode(), content_type="text/plain")
    yield Call("broken JSON", "openai", "json", "/v1/chat/completions", json.dumps({"a": text}).encode()[:-1])
    yield Call("unknown endpoint", "openai", "json", "/v1/unknown", json.dumps({"a": [{"b": text}]}).encode())


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


MULTIPART, FORM = "multipart/form-data; boundary=cut", "application/x-www-form-urlencoded"


def multipart(name: str, text: str) -> bytes:
    head = f'--cut\r\ncontent-disposition: form-data; name="file"; filename="{name.replace(chr(34), chr(39))}"\r\ncontent-type: text/plain\r\n\r\n'
    return f"{head}{text}\r\n--cut--\r\n".encode()


# -- the run --------------------------------------------------------------------------------------------------------


def run(
    folder: Path,
    masking: str,
    say: Callable[[str], None],
    encodings: Mapping[str, Callable[[str], str]] = ENCODINGS,
) -> list[Cell]:
    """folder: an empty one; what the gateway writes goes there. masking: the rules that are asked about."""
    maker = Maker(7)
    planted: list[Planted] = []
    for encoding, encode in encodings.items():
        for number, _ in enumerate(every("", encoding)):
            values = {kind: made(maker) for kind, made in KINDS.items()}
            text = "; ".join(f"{kind} {encode(value)}" for kind, value in values.items())
            planted.append(Planted(list(every(text, encoding))[number], encoding, values))
    say(f"{len(planted)} calls, each with {len(KINDS)} values of its own")
    with canned_provider.running() as provider:
        state, token = made_state(folder, provider.port, masking)
        with running(state, folder / "gateway.log") as gateway:
            for number, one in enumerate(planted):
                send(gateway, provider, token, f"{NAME}-{number}", one.call)
    say("looking for every value in every byte that was written")
    return judged(folder, state, planted)


@dataclass(frozen=True, slots=True)
class Planted:
    call: Call
    encoding: str
    values: Mapping[str, str] = field(repr=False)


def every(text: str, encoding: str) -> Iterator[Call]:
    yield from asked(text, encoding)
    yield from answered(text)


def made_state(folder: Path, port: int, masking: str) -> tuple[State, str]:
    state = State(folder / "state", clean_environment(folder))
    state.init()
    names = sorted({*(form.provider for form in FORMATS), *(name.partition(" ")[0] for name in BODIES)})
    connections = "version: 1\nother_hosts: deny\nconnections:\n" + "".join(
        CONNECTION.format(id=name.replace(".", "-"), provider=name, port=port) for name in names
    )
    files = {"connections.yaml": connections, "masking.yaml": masking, "identity.yaml": IDENTITY, "approval.yaml": APPROVAL, "retention.yaml": RETENTION, "controls.yaml": CONTROLS}  # fmt: skip
    state.write_policies(files)
    return state, state.mint("coverage", "coverage")


def send(gateway: Gateway, provider: CannedProvider, token: str, name: str, call: Call) -> None:
    if call.reply:
        provider.replies[name] = call.reply
    connection = http.client.HTTPConnection("127.0.0.1", gateway.base_url_port, timeout=30)
    try:
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": call.content_type,
            ASKED: name,
            **dict(call.headers),
        }
        place = call.provider.partition(" ")[0].replace(".", "-")
        connection.request("POST", f"/{place}{call.path}", call.body, headers)
        connection.getresponse().read()
    finally:
        connection.close()


def as_sent(encoded: str) -> Iterator[bytes]:
    """An encoded value, also as JSON and as JSON in JSON spell it."""
    for _ in range(3):
        yield encoded.lower().encode()
        encoded = json.dumps(encoded)[1:-1]


def judged(folder: Path, state: State, planted: Sequence[Planted]) -> list[Cell]:
    """Raises Unrecorded where a call left no record: a value that nobody wrote down is hidden too well."""
    database = state.path / "evidence.db"
    with reader(database) as store:
        (recorded,) = store.execute("SELECT count(*) FROM exchanges WHERE sent_at > ''").fetchone()
        (masked,) = store.execute(MASKED).fetchone()
    if recorded != len(planted):
        raise Unrecorded(
            f"{len(planted)} calls were made, {recorded} are recorded as sent; see {folder / 'gateway.log'}"
        )
    written = traces.written(folder, database).lower()
    cells = []
    for one in planted:
        encoded = {
            kind: (*forms, *as_sent(ENCODINGS[one.encoding](one.values[kind])))
            for kind, forms in traces.needles(one.values).items()
        }
        missed = tuple(sorted(traces.found_in(written, encoded)))
        cells.append(
            Cell(one.call.position, one.encoding, one.call.provider, one.call.transport, len(one.values), missed)
        )
    if masked < sum(not cell.missed for cell in cells):  # what is hidden was masked, or the search is blind
        raise Unrecorded(f"{masked} of {len(planted)} calls say that something was masked in them")
    return cells
