"""What goes over the wire, as plain values, and what a provider and an endpoint are. Not HTTP, not a connection, not a policy.

An endpoint is one wire format at one path; a provider is a name, the hosts of its API, and the endpoints it serves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from addons.providers.call import Call, Frame, Json, Reply
from addons.providers.conversation import Conversation
from addons.providers.stream import Assembler

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request with its body whole and its content-encoding undone."""

    method: str
    path: str  # without the query
    query: str = field(default="", repr=False)  # without "?"; may carry a key
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class WireReply:
    """A response with its body whole (or as much as came) and its content-encoding undone."""

    status: int
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


class StreamParser(Protocol):
    """Reads one streamed reply. feed and finish lose no byte: the frames' data, joined, are the bytes fed."""

    @property
    def end_markers(self) -> tuple[bytes, ...]:
        """A chunk that brings the wire's own end contains one of these (perhaps cut by the chunk's border)."""

    def feed(self, data: bytes) -> tuple[Frame, ...]: ...

    def finish(self) -> tuple[Frame, ...]:
        """The unterminated tail. A last frame without data tells of calls that were still open."""

    def reply(self) -> Reply:
        """What has been understood so far; may be asked at any time."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How an endpoint's own errors look, so that its SDK raises something a person can read."""

    body: Callable[[int, str, str, str], bytes]  # status, code, message, exchange id
    event: Callable[
        [str, str, str], bytes
    ]  # code, message, exchange id -> the error inside a stream, and the stream's end
    content_type: str = "application/json"
    in_messages: bool = True  # its WebSocket form has an error message; else the close frame's reason is all


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One wire format. Its functions are total: what they do not know becomes a part of kind OTHER."""

    id: str  # "openai.chat"
    operation: str  # gen_ai.operation.name
    path: re.Pattern[str]  # searched in the path, so that a prefix ("/openai/deployments/x") does not matter
    parse_call: Callable[
        [str, WireRequest, dict[str, Json]], Call | None
    ]  # provider, request, body; None: not this format
    parse_reply: Callable[[Json], Reply]  # a body that is JSON and no error
    assembler: Callable[[], Assembler] | None  # of its streamed replies; the framing is the content type's
    refusal: Refusal
    methods: frozenset[str] = frozenset({"POST"})
    conversation: Callable[[], Conversation] | None = None  # of its WebSocket form
    parse_batch: Callable[[str, list[Json]], Call | None] | None = None  # of a body that is a list of messages


@dataclass(frozen=True, slots=True)
class Provider:
    """One vendor: who it is, where its API lives, what it speaks."""

    name: str  # gen_ai.provider.name
    suffixes: tuple[str, ...]  # DNS names; each stands for itself and every name under it
    endpoints: tuple[Endpoint, ...]
    refusal: Refusal
    hosts: re.Pattern[str] | None = (
        None  # whole names that no suffix can say: "bedrock-runtime.<any region>.amazonaws.com"
    )
    aliases: tuple[str, ...] = ()  # other words an operator may write in connections.yaml


def header(headers: Headers, name: str) -> str:
    """The first value of `name` (lower case), or ""."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return ""


def media_type(content_type: str) -> str:
    """The type alone: "text/event-stream; charset=utf-8" is "text/event-stream"."""
    return content_type.partition(";")[0].strip().lower()
