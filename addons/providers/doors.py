"""The ways into the room: bytes to Call and Reply, and refusals back. Total: no input makes them raise.

Not the list of providers (registry.py), not a wire format (one file each).
"""

from __future__ import annotations

from typing import Final

from addons.providers.aws_eventstream import FrameFramer
from addons.providers.call import Call, Json, Reply
from addons.providers.failures import failure_in, failure_of_status, failure_text
from addons.providers.generic import GenericAssembler, generic_body, generic_call, generic_reply
from addons.providers.generic_refusal import GENERIC_REFUSAL
from addons.providers.json_stream import LineFramer, SniffFramer
from addons.providers.json_values import NotJson, loads
from addons.providers.registry import ProviderUnknown, endpoint_for, endpoint_with_id, provider_named
from addons.providers.sse import SseFramer
from addons.providers.stream import Assembler, Framer, Stream
from addons.providers.wire import Endpoint, Refusal, StreamParser, WireReply, WireRequest, header, media_type

_FRAMERS: Final[dict[str, type[Framer]]] = {
    "text/event-stream": SseFramer,
    "application/vnd.amazon.eventstream": FrameFramer,
    "application/x-ndjson": LineFramer,
    "application/ndjson": LineFramer,
    "application/jsonl": LineFramer,
    "application/x-jsonlines": LineFramer,
    "application/stream+json": LineFramer,
}
_UNSURE: Final = frozenset(
    {"", "application/json", "text/plain"}
)  # what a stream was asked for is sometimes sent under these


def parse_call(provider: str, request: WireRequest) -> Call:
    """What a request asks. A path that no endpoint knows is recorded whole, as `generic`.

    So is a body that its endpoint does not know, but under the endpoint's id: the answer will still be in its format.
    """
    endpoint = endpoint_for(provider, request.method, request.path)
    if endpoint is None:
        return generic_call(provider, request)
    try:
        body = loads(request.body)
    except NotJson:
        body = None
    call = endpoint.parse_call(provider, request, body) if isinstance(body, dict) else None
    return call or generic_call(provider, request, endpoint)


def parse_reply(call: Call, reply: WireReply) -> Reply:
    """What a whole response says, whichever form it took: JSON, a stream read to its end, an error page, a torn piece."""
    kind = media_type(header(reply.headers, "content-type"))
    if not reply.body:
        return failure_text(reply.status, "") if reply.status >= 400 else Reply()
    if kind in _FRAMERS:
        return _streamed(call, reply, _FRAMERS[kind]())
    try:
        value = loads(reply.body)
    except NotJson:
        return _no_json(call, reply, kind)
    if reply.status >= 400:
        return failure_of_status(reply.status, value)
    return _spoken(endpoint_with_id(call.endpoint), value)


def _spoken(endpoint: Endpoint | None, value: Json) -> Reply:
    """A reply that says nothing its endpoint knows is a failure under status 200, or is recorded whole."""
    if endpoint is None:
        return generic_reply(value)
    reply = (
        _events(endpoint.assembler(), value)
        if endpoint.assembler and isinstance(value, list)
        else endpoint.parse_reply(value)
    )
    if reply.parts or reply.error:
        return reply
    found = failure_in(value)
    return found or (reply if reply.finish_reasons or reply.response_id else generic_reply(value))


def _events(assembler: Assembler, values: list[Json]) -> Reply:
    """A stream that came as one JSON array."""
    for value in values:
        assembler.take("", value)
    assembler.close()
    return assembler.reply()


def _no_json(call: Call, reply: WireReply, kind: str) -> Reply:
    """A stream under a wrong content type, HTML under an error status, sound, an image, or JSON that was cut."""
    if reply.body.startswith(_EVENT_OPENERS) or (call.streamed and kind in _UNSURE):
        return _streamed(call, reply, SniffFramer())
    whole = generic_body(reply)
    if reply.status >= 400:
        return failure_text(reply.status, whole.parts[0].content)
    return Reply(parts=whole.parts, complete=not kind.endswith("json"))


_EVENT_OPENERS: Final = (b"data:", b"event:", b": ", b"id:")


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
    assembler = endpoint.assembler if endpoint and endpoint.assembler else GenericAssembler
    return Stream(framer, assembler())


def refusal(
    provider: str, status: int, code: str, message: str, exchange_id: str, *, endpoint: str = ""
) -> tuple[bytes, str]:
    """The body and content type of our own refusal, in the shape of the endpoint's errors (else the provider's)."""
    shape = _shape(provider, endpoint)
    return shape.body(status, code, message, exchange_id), shape.content_type


def refusal_event(provider: str, endpoint: str, code: str, message: str, exchange_id: str) -> bytes:
    """Our refusal inside a stream that has begun, then the stream's end."""
    return _shape(provider, endpoint).event(code, message, exchange_id)


def _shape(provider: str, endpoint: str) -> Refusal:
    known = endpoint_with_id(endpoint)
    if known:
        return known.refusal
    try:
        return provider_named(provider).refusal
    except ProviderUnknown:
        return GENERIC_REFUSAL
