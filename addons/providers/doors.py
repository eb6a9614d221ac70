"""The ways into the room: bytes to Call and Reply, and refusals back. Total: no input makes them raise.

Not the list of providers (registry.py), not a wire format (one file each).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from addons.providers.aws_eventstream import FrameFramer
from addons.providers.call import Call, Json, Kind, Part, Reply, Usage
from addons.providers.conversation import AnyConversation, Reader
from addons.providers.failures import failure_in, failure_of_status, failure_text
from addons.providers.generic import GenericAssembler, generic_body, generic_call, generic_reply
from addons.providers.generic_refusal import GENERIC_REFUSAL
from addons.providers.json_stream import LineFramer
from addons.providers.json_values import NotJson, dumps, loads, obj
from addons.providers.paths import model_in, models_in, streams
from addons.providers.recognise import of_event, of_reply, of_request
from addons.providers.registry import ProviderUnknown, endpoint_for, endpoint_with_id, provider_named
from addons.providers.sniffing import SniffFramer
from addons.providers.sse import SseFramer
from addons.providers.stream import Assembler, Framer, Stream
from addons.providers.wire import Endpoint, Headers, Refusal, StreamParser, WireReply, WireRequest, header, media_type

_FRAMERS: Final[dict[str, type[Framer]]] = {
    "text/event-stream": SseFramer,
    "application/vnd.amazon.eventstream": FrameFramer,
    "application/x-ndjson": LineFramer,
    "application/ndjson": LineFramer,
    "application/jsonl": LineFramer,
    "application/x-jsonl": LineFramer,
    "application/x-jsonlines": LineFramer,
    "application/stream+json": LineFramer,
}
_UNSURE: Final = frozenset(
    {"", "application/json", "text/plain"}
)  # what a stream was asked for is sometimes sent under these


def parse_call(provider: str, request: WireRequest) -> Call:
    """What a request asks: by its path, else by its body's shape, else recorded whole, as `generic`.

    A body that its path's endpoint does not know is recorded whole too, but under the endpoint's id: the answer will
    still be in its format.
    """
    endpoint = endpoint_for(provider, request.method, request.path)
    try:
        value = loads(request.body) if request.body else None
    except NotJson:
        value = None
    body = value if isinstance(value, dict) else {}
    first = obj(value[0]) if isinstance(value, list) and value else body
    found = endpoint or (of_request(first) if request.method.upper() == "POST" else None)
    call = found.parse_call(provider, request, body) if found and body else None
    if found and found.parse_batch and isinstance(value, list):
        call = found.parse_batch(provider, value)
    read = _with_path(call or generic_call(provider, request, endpoint), request.path)
    if endpoint and endpoint.conversation and not read.model:
        return replace(read, model=next(iter(models_in(request.query)), ""))
    return read


def _with_path(call: Call, path: str) -> Call:
    """The model and the stream that the path asks for. Where it names a model, that one answers, whatever the body says."""
    named = model_in(path)
    rest = {**call.parameters, "model": call.model} if named and call.model not in ("", named) else call.parameters
    model, streamed = named or call.model, call.streamed or streams(path)
    if (model, streamed) == (call.model, call.streamed):
        return call
    return replace(call, model=model, streamed=streamed, parameters=rest)


def parse_reply(call: Call, reply: WireReply) -> Reply:
    """What a whole response says, whichever form it took: JSON, a stream read to its end, an error page, a torn piece."""
    kind = media_type(header(reply.headers, "content-type"))
    if kind in _FRAMERS:
        return _streamed(call, reply, _FRAMERS[kind]())
    if not reply.body:
        return failure_text(reply.status, "") if reply.status >= 400 else Reply()
    try:
        value = loads(reply.body)
    except NotJson:
        return _no_json(call, reply, kind)
    if reply.status >= 400:
        return failure_of_status(reply.status, value)
    return _with_headers(_spoken(endpoint_with_id(call.endpoint), value), reply.headers)


def _with_headers(reply: Reply, headers: Headers) -> Reply:
    """Bedrock's InvokeModel counts tokens in headers, whatever the model's own body says."""
    if reply.usage != Usage():
        return reply
    counts = [header(headers, f"x-amzn-bedrock-{side}-token-count") for side in ("input", "output")]
    asked, answered = [int(count) if count.isdecimal() and len(count) < 16 else None for count in counts]
    return replace(reply, usage=Usage(asked, answered)) if (asked, answered) != (None, None) else reply


def _spoken(endpoint: Endpoint | None, value: Json) -> Reply:
    """Read by the call's endpoint, else by its own shape; else it is a failure under status 200, or recorded whole."""
    read = [_read(found, value) for found in (endpoint,) if found]
    if not any(reply.parts or reply.error for reply in read):
        recognised = of_reply(value) if isinstance(value, dict) else None
        read += [_read(recognised, value)] if recognised else []
        read += [failed] if (failed := failure_in(value)) else []
    telling = next((reply for reply in read if reply.parts or reply.error), None)
    quiet = next((reply for reply in read if reply.finish_reasons or reply.response_id), None)
    return telling or quiet or generic_reply(value)


def _read(endpoint: Endpoint, value: Json) -> Reply:
    if endpoint.assembler and isinstance(value, list):
        return _events(endpoint.assembler(), value)
    return endpoint.parse_reply(value)


def _events(assembler: Assembler, values: list[Json]) -> Reply:
    """A stream that came as one JSON array, whose end is the wire's own."""
    for value in values:
        assembler.take("", value)
    assembler.close()
    return replace(assembler.reply(), complete=True)


def _no_json(call: Call, reply: WireReply, kind: str) -> Reply:
    """A stream under a wrong content type, HTML under an error status, sound, an image, or JSON that was cut."""
    if reply.body.startswith(_EVENT_OPENERS) or (call.streamed and kind in _UNSURE):
        return _streamed(call, reply, SniffFramer())
    if call.endpoint in _FILES and reply.body.startswith(b"{"):
        lines = _streamed(call, reply, LineFramer())
        if any(part.kind is not Kind.OTHER for part in lines.parts):
            return lines
    whole = generic_body(reply)
    if reply.status >= 400:
        return failure_text(reply.status, whole.parts[0].content)
    if call.endpoint == _TRANSCRIPT:
        return Reply(tuple([part if part.base64 else Part(Kind.TEXT, part.content) for part in whole.parts]))
    return Reply(parts=whole.parts, complete=not kind.endswith("json"))


_TRANSCRIPT: Final = "openai.transcription"  # may be asked for as text, subtitles or JSON
_FILES: Final = frozenset({"files", "batches"})  # a batch's results come as any file does, or as a type of lines
_EVENT_OPENERS: Final = (b"data:", b"event:", b": ", b"id:", b"\0\0")  # the last: a frame of AWS's event-stream


def _streamed(call: Call, reply: WireReply, framer: Framer) -> Reply:
    parser = _stream(call, framer)
    parser.feed(reply.body)
    parser.finish()
    read = parser.reply()
    if reply.status < 400 or read.error:
        return read
    return Reply(parts=read.parts, error=f"http_{reply.status}", complete=False)


def stream_parser(call: Call, content_type: str) -> StreamParser | None:
    """The parser of a reply that arrives piece by piece, or None where the content type is no stream's."""
    kind = media_type(content_type)
    if kind in _FRAMERS:
        return _stream(call, _FRAMERS[kind]())
    return _stream(call, SniffFramer()) if call.streamed and kind in _UNSURE else None


def _stream(call: Call, framer: Framer) -> Stream:
    endpoint = endpoint_with_id(call.endpoint)
    promised = endpoint.assembler() if endpoint and endpoint.assembler else GenericAssembler()

    def choose(event: str, value: dict[str, Json]) -> Assembler | None:
        found = of_event(event, value)
        if found is None or found.assembler is None:
            return None
        return promised if found is endpoint else found.assembler()

    return Stream(framer, promised, choose)


def knows_conversation(call: Call) -> bool:
    """Whether the WebSocket form of its endpoint has a reader of its own."""
    endpoint = endpoint_with_id(call.endpoint)
    return bool(endpoint and endpoint.conversation)


def conversation(call: Call) -> Reader:
    """The reader of a WebSocket's messages."""
    endpoint = endpoint_with_id(call.endpoint)
    return Reader(endpoint.conversation() if endpoint and endpoint.conversation else AnyConversation())


def refusal(
    provider: str, status: int, code: str, message: str, exchange_id: str, *, endpoint: str = ""
) -> tuple[bytes, str]:
    """The body and content type of our own refusal, in the shape of the endpoint's errors (else the provider's)."""
    shape = _shape(provider, endpoint)
    return shape.body(status, code, message, exchange_id), shape.content_type


def refusal_event(provider: str, endpoint: str, code: str, message: str, exchange_id: str) -> bytes:
    """Our refusal inside a stream that has begun, then the stream's end."""
    return _shape(provider, endpoint).event(code, message, exchange_id)


def refusal_message(
    provider: str, endpoint: str, refused: tuple[int, str, str], exchange_id: str, event_id: str = ""
) -> bytes:
    """Our refusal (status, code, sentence) as the last message of a WebSocket, as OpenAI's Realtime and Codex know it; b"" where there is none.

    event_id: of the client's event that it answers.
    """
    shape = _shape(provider, endpoint)
    if not shape.in_messages:
        return b""
    try:
        error = obj(loads(shape.body(*refused, exchange_id)))
    except NotJson:
        return b""
    if event_id:
        error["error"] = {**obj(error.get("error")), "event_id": event_id}
    return dumps({"type": "error", "event_id": f"event_{exchange_id}", "status": refused[0], **error})


def _shape(provider: str, endpoint: str) -> Refusal:
    known = endpoint_with_id(endpoint)
    if known:
        return known.refusal
    try:
        return provider_named(provider).refusal
    except ProviderUnknown:
        return GENERIC_REFUSAL
