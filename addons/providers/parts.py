"""Turns and parts that every wire format makes the same way: what is not known, what is sealed. Not a wire format."""

from __future__ import annotations

from collections.abc import Callable

from addons.providers.call import Json, Kind, Part, Turn
from addons.providers.json_values import compact

JSON_TYPE = "application/json"


def message_turns(
    messages: list[Json], pointer: str, parse: Callable[[Json], tuple[Part, ...]], role: str = ""
) -> list[Turn]:
    """One turn a message, under the role it names. Written for speed: a resent history has hundreds, read on every call."""
    turns = []
    place = 0
    for message in messages:
        named = message.get("role") if isinstance(message, dict) else None
        turns.append(Turn(named if isinstance(named, str) else role, message, f"{pointer}/{place}", parse))
        place += 1  # noqa: SIM113 - enumerate is slower, and this is the loop that counts
    return turns


def whole(value: Json) -> tuple[Part, ...]:
    """Any JSON value as one part."""
    return (Part(Kind.OTHER, compact(value), media_type=JSON_TYPE),)


def tools(value: Json) -> tuple[Part, ...]:
    """A request's tool definitions."""
    return (Part(Kind.OTHER, compact(value), name="tools", media_type=JSON_TYPE),)


def sealed(data: str) -> Part:
    """Reasoning that only the provider can read: kept as a size and a digest."""
    return Part(Kind.REASONING, data, name="encrypted", base64=True)
