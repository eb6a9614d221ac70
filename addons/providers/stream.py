"""Streams: a framer cuts bytes into events, an assembler makes a reply of them. Not a wire format; composes two of its halves.

What the framing itself says of any format is read here: AWS's exception frames, and Bedrock's count of tokens in the last event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from addons.providers.aws_eventstream import EXCEPTION
from addons.providers.call import Frame, Json, Kind, Part, Reply, Usage
from addons.providers.failures import failure
from addons.providers.json_values import NotJson, count, loads, obj
from addons.providers.sse import Cut

DONE = b"[DONE]"
_METRICS = "amazon-bedrock-invocationMetrics"  # beside the model's own last words, whichever model it is
_LONGEST_STRAY_TEXT = 65_536  # characters kept of events that are no JSON, such as an HTML page under text/event-stream


class Framer(Protocol):
    """Cuts bytes into events; the cuts' data, joined, are the bytes fed."""

    def feed(self, data: bytes) -> list[Cut]: ...
    def finish(self) -> list[Cut]: ...


class Assembler(Protocol):
    """Makes one reply of a stream's events."""

    end_markers: tuple[bytes, ...]
    holding: bool  # a tool call is open
    done: bool  # the wire's own end has been seen

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        """Reads one event; answers the tool calls it completes."""

    def close(self) -> tuple[Part, ...]:
        """The bytes have ended; answers the tool calls that were still open."""

    def reply(self) -> Reply: ...


Choose = Callable[
    [str, dict[str, Json]], Assembler | None
]  # event, value -> the assembler for such events, if they tell


class Stream:
    """One streamed reply. `assembler` is what the endpoint promised; the first event that tells of another format decides."""

    def __init__(self, framer: Framer, assembler: Assembler, choose: Choose) -> None:
        self._framer = framer
        self._assembler = assembler
        self._choose: Choose | None = choose
        self._counted = Usage()
        self._failure: Reply | None = None
        self._stray: list[str] = []  # events that are no JSON
        self._torn: list[str] = []  # the same, but for the tail: worth telling only where nothing else is
        self._stray_length = 0

    @property
    def end_markers(self) -> tuple[bytes, ...]:
        return self._assembler.end_markers

    def feed(self, data: bytes) -> tuple[Frame, ...]:
        return tuple([self._frame(cut) for cut in self._framer.feed(data)])

    def finish(self) -> tuple[Frame, ...]:
        whole_events = self._stray
        self._stray = []
        frames = [self._frame(cut) for cut in self._framer.finish()]
        self._torn, self._stray = self._stray, whole_events
        still_open = self._assembler.close()
        if still_open:
            frames.append(Frame(b"", completed=still_open))
        return tuple(frames)

    def reply(self) -> Reply:
        reply = self._assembler.reply()
        if reply.usage == Usage() != self._counted:
            reply = replace(reply, usage=self._counted)
        if failed := self._failure:
            reply = replace(
                reply, parts=(*reply.parts, *failed.parts), error=reply.error or failed.error, complete=True
            )
        stray = self._stray if reply.parts or reply.error else [*self._stray, *self._torn]
        if not stray:
            return reply
        return replace(reply, parts=(*reply.parts, Part(Kind.OTHER, "\n".join(stray)[:_LONGEST_STRAY_TEXT])))

    def _frame(self, cut: Cut) -> Frame:
        was_done = self._assembler.done
        completed = self._take(cut) if cut.payload else ()
        assembler = self._assembler
        return Frame(cut.data, assembler.holding, completed, last=assembler.done and not was_done)

    def _take(self, cut: Cut) -> tuple[Part, ...]:
        if cut.payload.startswith(DONE):
            self._assembler.done = True
            return self._assembler.close()
        try:
            value = loads(cut.payload)
        except NotJson:
            self._keep_stray(cut.payload)
            return ()
        if cut.event.startswith(EXCEPTION):
            self._failure = failure({**obj(value), "status": cut.event.removeprefix(EXCEPTION)}, {})
            self._assembler.done = True
            return ()
        if isinstance(value, dict) and (metrics := obj(value.pop(_METRICS, None))):
            self._counted = _counted(metrics)
        if self._choose and isinstance(value, dict):
            self._assembler = self._choose(cut.event, value) or self._assembler
            self._choose = None
        return self._assembler.take(cut.event, value)

    def _keep_stray(self, payload: bytes) -> None:
        if self._stray_length < _LONGEST_STRAY_TEXT:
            self._stray.append(payload[:_LONGEST_STRAY_TEXT].decode("utf-8", errors="replace"))
            self._stray_length += len(self._stray[-1]) + 1


def _counted(metrics: dict[str, Json]) -> Usage:
    return Usage(
        input_tokens=count(metrics.get("inputTokenCount")),
        output_tokens=count(metrics.get("outputTokenCount")),
        cached_tokens=count(metrics.get("cacheReadInputTokenCount")),
    )
