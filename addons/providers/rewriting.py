"""A stream changed on its way: cut into events, the texts in them changed, and put together again in the same framing. Not what is changed: that is the `Changer`'s.

A text is spread over events; what a holder keeps back goes out with a later event of the same text, or, when the text ends, in one more event like
its last. Events in which nothing changes pass byte for byte.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from typing import Any, Final, Protocol

from addons.providers.aws_eventstream import FrameFramer, payload_of, reframed
from addons.providers.call import Json
from addons.providers.json_stream import LineFramer, ValueFramer
from addons.providers.json_values import NotJson, dumps, loads, obj
from addons.providers.pieces import Spot, alone, ends, follows, is_quiet, spots
from addons.providers.sse import Cut, SseFramer
from addons.providers.stream import Framer
from addons.providers.wire import media_type

_DONE: Final = b"[DONE]"


class Text(Protocol):
    """A text that comes in pieces, as masks.live has them."""

    def feed(self, piece: str) -> str: ...
    def finish(self) -> str: ...


class Changer(Protocol):
    """What is done to texts."""

    def text(self) -> Text: ...
    def json(self) -> Text: ...
    def whole(self, value: Json) -> Json: ...


class Unreadable(Exception):  # noqa: N818 -- a state of the stream
    """Bytes in which no event can be found: nothing of them may pass."""


def framing(content_type: str, first: bytes) -> str:
    """sse, lines, array or frames; "" where it cannot be told."""
    kind = media_type(content_type)
    if kind == "text/event-stream":
        return "sse"
    if kind == "application/vnd.amazon.eventstream":
        return "frames"
    start = first.lstrip()[:1]
    if start == b"[":
        return "array"
    if start == b"{":
        return (
            "lines" if "json" not in kind or kind.endswith(("ndjson", "jsonl", "stream+json", "jsonlines")) else "array"
        )
    return "sse" if first.lstrip().startswith((b"data:", b"event:", b":", b"id:")) else ""


_FRAMERS: Final[dict[str, type[Framer]]] = {
    "sse": SseFramer,
    "lines": LineFramer,
    "array": ValueFramer,
    "frames": FrameFramer,
}


class Rewriter:
    """One stream."""

    def __init__(self, content_type: str, changer: Changer) -> None:
        self._content_type = content_type
        self._changer = changer
        self._framing = ""
        self._framer: Framer | None = None
        self._texts: dict[tuple[Any, ...], Text] = {}
        self._last: dict[tuple[Any, ...], tuple[Cut, Json]] = {}  # the event that a text's rest can go out in
        self._jsons: set[tuple[Any, ...]] = set()  # texts that are JSON
        self._clean: set[bytes] = set()  # surroundings of pieces in which there is nothing to change
        self._in_array = False
        self._added = 0  # events that the provider did not number

    def feed(self, data: bytes) -> bytes:
        if self._framer is None:
            if not data.strip():
                return data
            self._framing = framing(self._content_type, data)
            if not self._framing:
                raise Unreadable
            self._framer = _FRAMERS[self._framing]()
            self._in_array = data.lstrip().startswith(b"[")
        return b"".join(out for cut in self._framer.feed(data) for out in self._changed(cut))

    def finish(self) -> bytes:
        out: list[bytes] = []
        for cut in self._framer.finish() if self._framer else []:
            torn = not _is_json(cut.payload)
            out += self._flushed(None) if torn else ()
            out += self._changed(cut)
            out += [b"\n"] if not torn and self._framing == "lines" else ()
        return b"".join((*out, *self._flushed(None)))

    def message(self, content: bytes) -> list[bytes]:
        """A message of a WebSocket, which is an event by itself; each thing given back is one too. Sound and pictures pass."""
        if not _is_text(content):
            return [content]
        return list(self._changed(Cut(content, "", content)))

    def rest(self) -> list[bytes]:
        """What is held of all texts, in messages of their own."""
        return list(self._flushed(None))

    def _changed(self, cut: Cut) -> Iterator[bytes]:
        if not cut.payload:
            yield from self._without_payload(cut)
            return
        if cut.payload.startswith(_DONE):
            yield from self._flushed(None)
            yield cut.data
            return
        try:
            value = loads(cut.payload)
        except NotJson:
            text = cut.payload.decode("utf-8", "replace")
            changed = self._changer.whole(text)
            yield cut.data if changed == text else self._spelled(cut, str(changed).encode())
            return
        yield from self._event(cut, value)

    def _without_payload(self, cut: Cut) -> Iterator[bytes]:
        """Blank lines, comments, an array's end. In a binary framing it is what could not be read."""
        if self._framing == "frames":
            raise Unreadable
        if self._framing == "array":
            yield from self._flushed(None)
        said = cut.data.decode("utf-8", "replace")
        yield cut.data if not said.strip() or self._changer.whole(said) == said else b":\n\n"

    def _event(self, cut: Cut, value: Json) -> Iterator[bytes]:
        before = dumps(value)
        found = spots(cut.event, value)
        if not found:
            if not is_quiet(cut.event, value):
                yield from self._flushed(value)
            value = self._changer.whole(value)
        else:
            yield from self._said_before(value, found)
            self._fill(cut, value, found)
        if isinstance(value, dict):
            _drop_token_lists(value)
            if self._added and isinstance(number := value.get("sequence_number"), int):
                value["sequence_number"] = number + self._added
        yield cut.data if (after := dumps(value)) == before else self._spelled(cut, after)

    def _said_before(self, value: Json, found: list[Spot]) -> Iterator[bytes]:
        """What is held of texts that end because another begins, or by what stands beside it."""
        for channel in list(self._texts):
            if any(
                (spot.is_fresh and spot.channel == channel)
                or (spot.text and follows(spot.channel, channel, both_json=spot.is_json and channel in self._jsons))
                for spot in found
            ) or (all(spot.channel != channel for spot in found) and ends(value, channel)):
                yield from self._rest(channel)

    def _fill(self, cut: Cut, value: Json, found: list[Spot]) -> None:
        """The pieces changed, and what stands around them."""
        texts = [spot.text for spot in found]
        for spot in found:
            spot.put("")
        self._surroundings(value)
        template = copy.deepcopy(value)
        for spot, text in zip(found, texts, strict=True):
            holder = self._texts.get(spot.channel)
            if holder is None:
                holder = self._texts[spot.channel] = self._changer.json() if spot.is_json else self._changer.text()
                self._jsons |= {spot.channel} if spot.is_json else set()
            shown = holder.feed(text)
            if ends(value, spot.channel):
                shown += holder.finish()
                del self._texts[spot.channel]
                self._last.pop(spot.channel, None)
            else:
                self._last[spot.channel] = cut, template
            spot.put(shown)

    def _surroundings(self, value: dict[str, Json]) -> None:
        """In place: the pieces keep their containers."""
        key = dumps({name: one for name, one in value.items() if name not in ("sequence_number", "p")})
        if key in self._clean:
            return
        changed = self._changer.whole(copy.deepcopy(value))
        if changed == value:
            if len(self._clean) < 100:
                self._clean.add(key)
        else:
            _merge(value, changed)

    def _flushed(self, value: Json) -> Iterator[bytes]:
        """What is held of texts that the event ends (None: of all), each in an event like its last."""
        for channel in list(self._texts):
            if value is None or ends(value, channel):
                yield from self._rest(channel)

    def _rest(self, channel: tuple[Any, ...]) -> Iterator[bytes]:
        rest = self._texts.pop(channel).finish()
        last = self._last.pop(channel, None)
        if not rest or last is None:
            return
        cut, template = last
        event = copy.deepcopy(template)
        spot = next(spot for spot in spots(cut.event, event) if spot.channel == channel)
        spot.put(rest)
        event = alone(event, spot)
        if isinstance(number := event.get("sequence_number"), int):
            self._added += 1
            event["sequence_number"] = number + self._added
        if isinstance(said := event.get("event_id"), str):
            event["event_id"] = f"{said}_rest"
        yield self._spelled(cut, dumps(event), added=True)

    def _spelled(self, cut: Cut, payload: bytes, *, added: bool = False) -> bytes:
        """The event's bytes with another payload."""
        if self._framing == "frames":
            outer = payload_of(cut.data)
            wrapped = outer != cut.payload
            return reframed(cut.data, dumps({**obj(loads(outer)), "bytes": _b64(payload)}) if wrapped else payload)
        if self._framing == "sse":
            return _sse(cut.data, payload)
        if added and self._framing == "array":
            return (b",\r\n" if self._in_array else b"\n") + payload
        return cut.data.replace(cut.payload, payload, 1)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_json(payload: bytes) -> bool:
    try:
        loads(payload)
    except NotJson:
        return False
    return True


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sse(data: bytes, payload: bytes) -> bytes:
    """Every line but those of data stays; the payload is one line."""
    lines = data.splitlines(keepends=True)
    end = b"\r\n" if data.endswith(b"\r\n") else b"\n"
    kept = [line for line in lines if not line.startswith((b"data:", b"data\n", b"data\r")) and line.strip()]
    said = [b"data: " + line + end for line in payload.splitlines()] or [b"data:" + end]
    return b"".join((*kept, *said, end))


def _merge(into: Json, changed: Json) -> None:
    """The changed leaves of a value of the same shape, put into it. Renamed keys stay as they were where a piece stands below."""
    items = into.items() if isinstance(into, dict) else enumerate(into) if isinstance(into, list) else ()
    for key, one in list(items):
        try:
            other = changed[key]
        except (KeyError, IndexError):
            continue
        if isinstance(one, dict | list) and isinstance(other, dict | list):
            _merge(one, other)
        else:
            into[key] = other


def _drop_token_lists(value: dict[str, Json]) -> None:
    """Log probabilities spell the text again, token by token; without them an event is whole."""
    for choice in value.get("choices") or () if isinstance(value.get("choices"), list) else ():
        if isinstance(choice, dict) and choice.get("logprobs"):
            choice["logprobs"] = None
    if isinstance(value.get("logprobs"), list):
        value["logprobs"] = []
