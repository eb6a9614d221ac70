"""WebSocket conversations: one message at a time, either way, to what it says. Not HTTP, not WebSocket's frames; what one is where no format is known.

What a client sends is told with its own message, for it must be on disk before it leaves. What a provider sends in pieces is told
where the piece that completes it comes; `end` tells what was never completed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from addons.providers.call import Json, Kind, Part, Reply, Usage
from addons.providers.json_values import NotJson, compact, loads, obj, text
from addons.providers.parts import JSON_TYPE


class Spoken(NamedTuple):
    """One part, and whose it is: "user", "assistant", "system", "tool"."""

    role: str
    part: Part

    def __repr__(self) -> str:
        return f"Spoken(role={self.role!r})"


class Step(StrEnum):
    """What a client's message does."""

    CALL = "call"  # has a model called, or says which and how: it is judged as a request is
    FEED = "feed"  # is kept for a call to come: what it says is judged, for no rule sees it again


@dataclass(frozen=True, slots=True)
class Ask:
    """A client's message, as rights and rules see it."""

    step: Step
    model: str = ""  # that it names
    others: tuple[str, ...] = ()  # further ones, as of a transcript
    event_id: str = ""  # by which an error speaks of it
    parts: tuple[Part, ...] = field(default=(), repr=False)
    clear: bool = True  # False: what it says cannot be told


class Conversation(Protocol):
    """Reads JSON messages of one WebSocket. Total: what it does not know becomes a part of kind OTHER."""

    def client(self, value: Json) -> list[Spoken]:
        """A message on its way to the provider; never nothing, unless it says nothing at all."""

    def asked(self, value: Json) -> Ask:
        """What such a message does, without its parts. Of a kind that nobody knows: a call."""

    def server(self, value: Json) -> list[Spoken]:
        """A message on its way to the client: what it completes."""

    def end(self) -> list[Spoken]: ...

    @property
    def model(self) -> str:
        """As last named by either side."""

    def reply(self) -> Reply:
        """Model, finish reasons, tokens of all replies together, the last error. No parts: they were told."""


def told(role: str, value: Json) -> Spoken:
    """A message whole."""
    return Spoken(role, Part(Kind.OTHER, compact(value), media_type=JSON_TYPE))


def added(one: Usage, other: Usage) -> Usage:
    return Usage(*(_sum(a, b) for a, b in ((getattr(one, name), getattr(other, name)) for name in Usage.__slots__)))


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def joined_base64(pieces: list[str]) -> str:
    """Base64 of all pieces' bytes; each may end with padding of its own."""
    if not any(piece.endswith("=") for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode("ascii")
    except ValueError:
        return "".join(pieces)


class AnyConversation:
    """Messages in no format that is known, each whole."""

    def client(self, value: Json) -> list[Spoken]:
        return [told("user", value)]

    def asked(self, value: Json) -> Ask:
        return Ask(Step.CALL, text(obj(value).get("model")))

    def server(self, value: Json) -> list[Spoken]:
        return [told("assistant", value)]

    def end(self) -> list[Spoken]:
        return []

    @property
    def model(self) -> str:
        return ""

    def reply(self) -> Reply:
        return Reply()


class Reader:
    """The bytes of messages to a conversation's JSON. Some providers send JSON in binary messages; what is none is kept as it is."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.ask = Ask(Step.CALL)  # of the client's message that was taken last

    def take(self, content: bytes, *, is_text: bool, from_client: bool) -> list[Spoken]:
        role = "user" if from_client else "assistant"
        try:
            value = loads(content)
        except NotJson:
            value = None
        if not isinstance(value, dict):
            said = self._unknown(role, value, content, is_text=is_text)
        else:
            said = self._conversation.client(value) if from_client else self._conversation.server(value)
        if from_client:
            self.ask = self._asked(value, said, is_text=is_text)
        return said

    def _asked(self, value: Json, said: list[Spoken], *, is_text: bool) -> Ask:
        """What is no object says something only where anything may: any text does, in a format that nobody knows."""
        known = not isinstance(self._conversation, AnyConversation)
        clear = isinstance(value, dict) or (is_text and not known)
        ask = self._conversation.asked(value) if isinstance(value, dict) else Ask(Step.CALL)
        return replace(ask, parts=tuple([spoken.part for spoken in said]), clear=clear)

    @staticmethod
    def _unknown(role: str, value: Json, content: bytes, *, is_text: bool) -> list[Spoken]:
        if value is None:
            if is_text:
                return [Spoken(role, Part(Kind.OTHER, content.decode("utf-8", "replace")))]
            return [Spoken(role, Part(Kind.OTHER, base64.b64encode(content).decode("ascii"), base64=True))]
        return [told(role, value)]

    def end(self) -> list[Spoken]:
        return self._conversation.end()

    @property
    def model(self) -> str:
        return self._conversation.model

    def reply(self) -> Reply:
        return self._conversation.reply()
