"""What a client asked and what a model answered, whatever the wire format. Pure values; identity, masking and storage live elsewhere.

Names of operations and providers: OpenTelemetry GenAI semantic conventions (semantic-conventions-genai@002c8a6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

Json = Any  # str | int | float | bool | None | list[Json] | dict[str, Json]


class Kind(StrEnum):
    """What a part of a message is; the `kind` column of the store."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    IMAGE = "image"
    AUDIO = "audio"
    DOCUMENT = "document"
    REFUSAL = "refusal"
    EMBEDDING = "embedding"
    OTHER = "other"


class LinkReason(StrEnum):
    """Why a call belongs to its session; the `link_reason` column of the store. Of several, the first that holds."""

    SESSION_HEADER = "session_header"  # the client names a session: x-session-id and the like
    CLIENT_METADATA = "client_metadata"  # … in the body: Claude Code's metadata.user_id, metadata.session_id
    CONVERSATION = "conversation"  # an object the provider keeps: OpenAI's conversations, Bedrock's agent sessions
    THREAD = "thread"  # … assistants' threads
    PREVIOUS_RESPONSE = "previous_response"  # goes on from a reply that is named
    TRACE = "trace"  # the same trace of distributed tracing (W3C traceparent)
    PREFIX = "prefix"  # resends a conversation that went through here, with an answer in it
    TOOL_RESULT = "tool_result"  # brings the result of a call that a reply here asked for
    NEW = "new"  # the first, as far as anybody can tell

    @property
    def certainty(self) -> str:
        """explicit: client or provider says so; inferred: we conclude it from content; "" for a first call."""
        if self is LinkReason.NEW:
            return ""
        return "inferred" if self in (LinkReason.PREFIX, LinkReason.TOOL_RESULT) else "explicit"


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message, unmasked.

    content: text; for TOOL_CALL its arguments as JSON text; for binary media the base64 text as received (then `base64` is
    true and the record keeps only a keyed digest and the size); for media by reference its URL.
    """

    kind: Kind
    content: str = field(repr=False)
    name: str = ""  # tool name; file name; "" elsewhere
    call_id: str = ""  # pairs a TOOL_CALL with its TOOL_RESULT
    media_type: str = ""  # "image/png"; "" for text
    base64: bool = False


class Turn(NamedTuple):
    """One entry of the history as it was received. Parsed only when asked: resent history costs a digest, not a parse.

    A tuple, because hundreds are made for each call and a frozen dataclass takes twice as long to make.
    """

    role: str  # "system" | "user" | "assistant" | "tool" | the wire's own word
    raw: Json  # the wire's value, e.g. {"role": "user", "content": "hi"}; kept out of the repr
    pointer: str  # JSON pointer into the request body: "/messages/3"
    parse: Callable[[Json], tuple[Part, ...]]  # pure, module-level; never raises: what it does not know becomes OTHER

    def parts(self) -> tuple[Part, ...]:
        return self.parse(self.raw)

    def __repr__(self) -> str:
        return f"Turn(role={self.role!r}, pointer={self.pointer!r})"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the record needs it."""

    provider: str  # gen_ai.provider.name: "openai", "anthropic", …; the connection's own provider for generic
    operation: str  # gen_ai.operation.name: "chat", "embeddings", …; "" where none fits
    endpoint: str  # stable id of the parser that read it: "openai.chat", "anthropic.messages", "generic"
    model: str  # "" where the wire names none
    streamed: bool  # the client asked for a stream
    turns: tuple[Turn, ...]
    # The rest of the body, small; masked leaf by leaf in the record.
    parameters: Mapping[str, Json] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None: not said."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    audio_tokens: int | None = None  # asked and answered together


@dataclass(frozen=True, slots=True)
class Reply:
    """A response as the record needs it; a stream's deltas are assembled: one part a block."""

    parts: tuple[Part, ...] = ()
    model: str = ""
    response_id: str = ""
    finish_reasons: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    error: str = ""  # the provider's error type or code ("rate_limit_error"); its text is a part of kind OTHER
    complete: bool = True  # False: cut before the wire's own end


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole event of a stream, with the bytes that carried it. The frames' bytes, joined, are the input."""

    data: bytes = field(repr=False)
    holds: bool = False  # opens or continues a tool call that is not complete yet: a reply rule may want it kept back
    completed: tuple[Part, ...] = ()  # the tool calls that this frame completes
    last: bool = False  # the wire's own end ("data: [DONE]", "message_stop")
