"""The ways into the room: bytes to Call and Reply, and refusals back. Total: no input makes them raise.

Not the list of providers (registry.py), not a wire format (one file each).
"""

from __future__ import annotations

from typing import Final

from addons.providers.call import Call, Json, Reply
from addons.providers.failures import failure_in, failure_of_status, failure_text
from addons.providers.generic import GenericAssembler, generic_body, generic_call, generic_reply
from addons.providers.generic_refusal import GENERIC_REFUSAL
from addons.providers.json_values import NotJson, loads
from addons.providers.registry import ProviderUnknown, endpoint_for, endpoint_with_id, provider_named
from addons.providers.sse import SseFramer
from addons.providers.stream import Framer, Stream
from addons.providers.wire import Endpoint, Refusal, StreamParser, WireReply, WireRequest, header, media_type

_FRAMERS: Final[dict[str, type[Framer]]] = {"text/event-stream": SseFramer}


def parse_call(provider: str, request: WireRequest) -> Call:
    """What a request asks. A path or a body that no endpoint knows is recorded whole, as `generic`."""
    endpoint = endpoint_for(provider, request.method, request.path)
    if endpoint is None:
        return generic_call(provider, request)
    try:
        body = loads(request.body)
    except NotJson:
        return generic_call(provider, request)
    call = endpoint.parse_call(provider, request, body) if isinstance(body, dict) else None
    return call or generic_call(provider, request)


def parse_reply(call: Call, reply: WireReply) -> Reply:
    """What a whole response says, whichever form it took: JSON, a stream read to its end, an error page, a torn piece."""
    content_type = header(reply.headers, "content-type")
    if not reply.body:
        return failure_text(reply.status, "") if reply.status >= 400 else Reply()
    if media_type(content_type) in _FRAMERS or reply.body.startswith(_EVENT_OPENERS):
        return _streamed(call, reply)
    try:
        value = loads(reply.body)
    except NotJson:
        return _no_json(reply)
    if reply.status >= 400:
        return failure_of_status(reply.status, value)
    return _spoken(endpoint_with_id(call.endpoint), value)


_EVENT_OPENERS: Final = (b"data:", b"event:", b": ", b"id:")  # server-sent events under a wrong content type


def _spoken(endpoint: Endpoint | None, value: Json) -> Reply:
    """A reply that says nothing its endpoint knows is a failure under status 200, or is recorded whole."""
    if endpoint is None:
        return generic_reply(value)
    reply = endpoint.parse_reply(value)
    if reply.parts or reply.error:
        return reply
    found = failure_in(value)
    return found or (reply if reply.finish_reasons or reply.response_id else generic_reply(value))


def _no_json(reply: WireReply) -> Reply:
    """HTML under an error status, sound, an image, or JSON that was cut."""
    whole = generic_body(reply)
    if reply.status >= 400:
        return failure_text(reply.status, whole.parts[0].content)
    torn = media_type(header(reply.headers, "content-type")).endswith("json")
    return Reply(parts=whole.parts, complete=not torn)


def _streamed(call: Call, reply: WireReply) -> Reply:
    parser = _stream(call, SseFramer())
    parser.feed(reply.body)
    parser.finish()
    read = parser.reply()
    if reply.status < 400 or read.error:
        return read
    return Reply(parts=read.parts, error=f"http_{reply.status}", complete=False)


def stream_parser(call: Call, content_type: str) -> StreamParser | None:
    """The parser of a reply that arrives piece by piece, or None where the content type is no stream's."""
    framer = _FRAMERS.get(media_type(content_type))
    return _stream(call, framer()) if framer else None


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
