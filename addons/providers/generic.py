"""What is recorded where no wire format is known: everything, under one name. Never skips, never guesses a meaning.

JSON is one part with the whole of it, a form one part a field, text is text, and the rest is base64.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import parse_qsl

from addons.providers.call import Call, Json, Kind, Part, Reply, Turn
from addons.providers.json_values import NotJson, compact, loads, text
from addons.providers.media import kind_of
from addons.providers.multipart import read_multipart
from addons.providers.parts import whole
from addons.providers.wire import Endpoint, WireReply, WireRequest, header, media_type

ENDPOINT: Final = "generic"
_TEXT_TYPES: Final = ("text/", "application/xml", "application/javascript", "application/x-ndjson", "application/jsonl")
_FORM: Final = "application/x-www-form-urlencoded"


def generic_call(provider: str, request: WireRequest, endpoint: Endpoint | None = None) -> Call:
    turns, model, streamed = body_turns(request)
    operation, endpoint_id = (endpoint.operation, endpoint.id) if endpoint else ("", ENDPOINT)
    return Call(provider, operation, endpoint_id, model, streamed, turns)


def body_turns(request: WireRequest) -> tuple[tuple[Turn, ...], str, bool]:
    """The turns of any body, and the model and stream flag it names at its top, if it does."""
    if not request.body:
        return (), "", False
    try:
        value = loads(request.body)
    except NotJson:
        return _other_turns(request)
    if not isinstance(value, dict):
        return (Turn("user", value, "", whole),), "", False
    return (Turn("user", value, "", whole),), text(value.get("model")), value.get("stream") is True


def _other_turns(request: WireRequest) -> tuple[tuple[Turn, ...], str, bool]:
    content_type = header(request.headers, "content-type")
    if media_type(content_type) == _FORM:
        fields = [Part(Kind.OTHER, value, name=key) for key, value in form_fields(request.body)]
    else:
        fields = list(read_multipart(content_type, request.body))
    if not fields:
        return (_fixed("user", body_part(content_type, request.body), ""),), "", False
    named = {part.name: part.content for part in fields if not part.base64}
    turns = tuple(_fixed("user", part, f"/{place}") for place, part in enumerate(fields))
    return turns, named.get("model", ""), named.get("stream", "").lower() == "true"


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """a=1&b=2; bytes that are no UTF-8 become U+FFFD, and a body of a million "&" costs no more than its length."""
    return parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True)


def body_part(content_type: str, body: bytes) -> Part:
    """One part for a body that is no JSON: text if it reads as text, else base64."""
    kind = media_type(content_type)
    try:
        as_text = body.decode()
    except UnicodeDecodeError:
        as_text = body.decode("utf-8", errors="replace") if kind.startswith(_TEXT_TYPES) else ""
    if as_text and "\0" not in as_text:
        return Part(Kind.OTHER, as_text, media_type=kind)
    return Part(_binary_kind(kind), base64.b64encode(body).decode("ascii"), media_type=kind, base64=True)


def _binary_kind(kind: str) -> Kind:
    return Kind.OTHER if kind in ("", "application/octet-stream") else kind_of(kind)


def generic_reply(value: Json) -> Reply:
    return Reply(parts=whole(value))


def generic_body(reply: WireReply) -> Reply:
    """A body that is no JSON."""
    return Reply(parts=(body_part(header(reply.headers, "content-type"), reply.body),) if reply.body else ())


def _fixed(role: str, part: Part, pointer: str) -> Turn:
    """A turn of a body that is no JSON; its raw value is what is digested: the part's own columns."""
    raw = {
        "kind": part.kind,
        "name": part.name,
        "media_type": part.media_type,
        "base64": part.base64,
        "content": part.content,
    }
    return Turn(role, raw, pointer, _from_columns)


def _from_columns(raw: Json) -> tuple[Part, ...]:
    kind = Kind(raw["kind"])
    return (Part(kind, raw["content"], name=raw["name"], media_type=raw["media_type"], base64=raw["base64"]),)


class GenericAssembler:
    """A stream in an unknown format: the events' payloads, one a line."""

    end_markers: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._payloads: list[str] = []

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        self._payloads.append(compact({"event": event, "data": value} if event else value))
        return ()

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        content = "\n".join(self._payloads)
        return Reply(parts=(Part(Kind.OTHER, content, media_type="application/jsonl"),) if content else ())
