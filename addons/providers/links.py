"""What a call says about the conversation it belongs to, and what a reply gives the next call to name. Not the sessions: those are the caller's.

Sources: OpenAI API reference (previous_response_id, conversation, threads); Gemini API reference (previous_interaction_id); Bedrock
(InvokeAgent); W3C Trace Context 3.2; Claude Code's metadata.user_id and Codex's session headers as sent in 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from addons.providers.call import Call, Json, Kind, LinkReason, Part, Reply
from addons.providers.json_values import obj, text
from addons.providers.wire import WireRequest


class Link(NamedTuple):
    """A name that calls of one conversation share."""

    reason: LinkReason
    name: str

    def __repr__(self) -> str:
        return f"Link(reason={self.reason.value!r})"


_SESSION_HEADERS: Final = frozenset({
    "x-session-id", "session-id", "session_id", "x-affidavit-session", "x-conversation-id", "conversation_id", "conversation-id",
    "x-thread-id", "mcp-session-id", "helicone-session-id", "x-litellm-session-id", "x-litellm-trace-id", "x-portkey-trace-id",
    "x-claude-code-session-id", "x-opencode-session", "x-amzn-bedrock-session-id", "x-stainless-session-id",
})  # fmt: skip
_METADATA_KEYS: Final = ("session_id", "sessionId", "conversation_id", "thread_id")
_CLAUDE_CODE: Final = re.compile(r"(?:^|_)session_([0-9a-fA-F-]{36})|\"session_id\" *: *\"([^\"]{1,128})\"")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_PATHS: Final = (
    (re.compile(r"/threads/(thread_[^/]{1,128})"), LinkReason.THREAD),
    (re.compile(r"/conversations/(conv_[^/]{1,128})"), LinkReason.CONVERSATION),
    (re.compile(r"/agentAliases/[^/]+/sessions/([^/]{1,128})"), LinkReason.CONVERSATION),
    (re.compile(r"/responses/(resp_[^/]{1,128})|/interactions/([^/:]{8,128})"), LinkReason.PREVIOUS_RESPONSE),
)
_LONGEST: Final = 256  # characters of a name
_SHORTEST_CALL: Final = 12  # of a tool call's id: shorter ones ("call_0") are counters that many conversations have
DECLARING: Final = (LinkReason.SESSION_HEADER, LinkReason.CLIENT_METADATA, LinkReason.CONVERSATION, LinkReason.THREAD)


def links_of(call: Call, request: WireRequest) -> list[Link]:
    """What the client says, in no order."""
    found = [*_in_headers(request), *_in_path(request.path), *_in_body(call)]
    return [link for link in found if 0 < len(link.name) <= _LONGEST]


def _in_headers(request: WireRequest) -> Iterator[Link]:
    for name, value in request.headers:
        lowered = name.lower()
        if lowered in _SESSION_HEADERS:
            yield Link(LinkReason.SESSION_HEADER, value.strip())
        elif lowered == "traceparent" and (trace := _TRACEPARENT.fullmatch(value.strip())) and trace[1].strip("0"):
            yield Link(LinkReason.TRACE, trace[1])


def _in_path(path: str) -> Iterator[Link]:
    for pattern, reason in _PATHS:
        if found := pattern.search(path):
            yield Link(reason, found[found.lastindex or 1])


def _in_body(call: Call) -> Iterator[Link]:
    asked = call.parameters
    for key in ("previous_response_id", "previous_interaction_id"):
        yield Link(LinkReason.PREVIOUS_RESPONSE, text(asked.get(key)))
    conversation = asked.get("conversation") or asked.get("conversation_id")
    yield Link(LinkReason.CONVERSATION, text(conversation) or text(obj(conversation).get("id")))
    yield from _in_metadata(obj(asked.get("metadata")))


def _in_metadata(metadata: dict[str, Json]) -> Iterator[Link]:
    for key in _METADATA_KEYS:
        yield Link(LinkReason.CLIENT_METADATA, text(metadata.get(key)))
    user = text(metadata.get("user_id"))
    if "session" in user and (session := _CLAUDE_CODE.search(user)):
        yield Link(LinkReason.CLIENT_METADATA, session[1] or session[2])


def results_in(parts: tuple[Part, ...]) -> list[Link]:
    """The calls whose results a request brings."""
    return _calls(parts, Kind.TOOL_RESULT)


def links_after(reply: Reply, endpoint: str) -> list[Link]:
    """What the next call may name: a reply that can be gone on from, a thread or a conversation that it made, the calls it asks for."""
    made = _MADE.get(reply.response_id.partition("_")[0])
    if made is None and endpoint in _GONE_ON_FROM:
        made = LinkReason.PREVIOUS_RESPONSE
    named = [Link(made, reply.response_id)] if made and 0 < len(reply.response_id) <= _LONGEST else []
    return named + _calls(reply.parts, Kind.TOOL_CALL)


_MADE: Final = {
    "thread": LinkReason.THREAD, "conv": LinkReason.CONVERSATION, "resp": LinkReason.PREVIOUS_RESPONSE,
}  # fmt: skip
_GONE_ON_FROM: Final = frozenset({"openai.responses", "gemini.interactions"})


def _calls(parts: tuple[Part, ...], kind: Kind) -> list[Link]:
    found = dict.fromkeys(part.call_id for part in parts if part.kind is kind)
    return [Link(LinkReason.TOOL_RESULT, call_id) for call_id in found if _SHORTEST_CALL <= len(call_id) <= _LONGEST]
