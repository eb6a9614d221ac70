"""What is known of a tool call's execution from the reply that asks for it. Not the later request that brings a result: the store finds that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from addons.providers.call import Kind, Part

# Ids that only calls have which the provider runs itself: Anthropic's server tools and MCP connector, OpenAI's built-in tools, Groq's.
_PROVIDERS_OWN: Final = ("srvtoolu_", "mcptoolu_", "ws_", "fs_", "ci_", "ig_", "mcp_", "executed-")


class Known(NamedTuple):
    evidence: str  # asked | executed_by_provider
    outcome: str  # error | returned | ""


ASKED: Final = Known("asked", "")


def known_of(parts: Sequence[Part], place: int) -> Known:
    """Of the call at `place`: a result in the same reply, after it, shows that the provider ran it."""
    call = parts[place]
    results = [part for part in parts[place + 1 :] if part.kind is Kind.TOOL_RESULT and part.call_id == call.call_id]
    if results:
        return Known("executed_by_provider", _outcome(results))
    return Known("executed_by_provider", "") if call.call_id.startswith(_PROVIDERS_OWN) else ASKED


def outcome_of(parts: Sequence[Part], call_id: str) -> str:
    """Of a call that is answered by these parts."""
    results = [part for part in parts if part.call_id == call_id and (part.kind is Kind.TOOL_RESULT or _brings(part))]
    return _outcome(results) if results else ""


def _brings(part: Part) -> bool:
    """A picture, a file: what a call was answered with, too."""
    return bool(part.call_id) and part.kind is not Kind.TOOL_CALL


def _outcome(results: Sequence[Part]) -> str:
    """Readers name a result that says it is an error so."""
    return "error" if any(part.name == "error" for part in results) else "returned"
