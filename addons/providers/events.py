"""The events in bytes that were cut at their borders already, and events written again like them. Not the cutting of a stream (stream.py)."""

from __future__ import annotations

import base64

import orjson

from addons.providers.aws_eventstream import FrameFramer, write_frame
from addons.providers.call import Json
from addons.providers.json_stream import BLANKS, ValueFramer
from addons.providers.json_values import NotJson, loads
from addons.providers.sse import Cut, SseFramer

Event = tuple[str, Json]  # the event's name, "" where the wire gives none; its value


def events_in(data: bytes) -> list[tuple[Event | None, bytes]]:
    """What the bytes of whole frames say, and their bytes; None: nothing that is JSON (a comment, `[DONE]`, an array's end)."""
    first = _first(data)
    framer = FrameFramer() if first == b"\0" else ValueFramer() if first in _JSON else SseFramer()
    return [(_event(cut), cut.data) for cut in (*framer.feed(data), *framer.finish())]


_JSON = (b"{", b"[", b",")


def _first(data: bytes) -> bytes:
    return data[:1] if data[:1] == b"\0" else data.lstrip(BLANKS)[:1]


def _event(cut: Cut) -> Event | None:
    try:
        return (cut.event, loads(cut.payload)) if cut.payload else None
    except NotJson:
        return None


def written(events: list[Event], like: bytes) -> bytes:
    """In the framing of the bytes whose place they take: AWS frames, server-sent events, lines, elements of an array."""
    first = _first(like)
    if first in (b"[", b","):
        return (b"[" if first == b"[" else b",\r\n") + b",\r\n".join(orjson.dumps(value) for _, value in events)
    if first == b"{":
        return b"".join(orjson.dumps(value) + b"\n" for _, value in events)
    return b"".join(_written(event, framed=first == b"\0") for event in events)


def _written(event: Event, *, framed: bool) -> bytes:
    name, value = event
    payload = orjson.dumps(value)
    if not framed:
        return (f"event: {name}\n".encode() if name else b"") + b"data: " + payload + b"\n\n"
    if not name:
        payload = orjson.dumps({"bytes": base64.b64encode(payload).decode()})
    headers = {":event-type": name or "chunk", ":content-type": "application/json", ":message-type": "event"}
    return write_frame(headers, payload)
