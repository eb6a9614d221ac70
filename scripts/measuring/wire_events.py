"""Recorded replies as events, whichever way they are framed, and the values that readers make of them. Shares no code with addons/providers, on purpose."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.measuring.recorded import Recorded

ANY: Final = object()  # arguments that come in pieces addressed by JSON path: only the call's name is compared


@dataclass(slots=True)
class Said:
    """None in a count: the reply does not say."""

    text: str = field(default="", repr=False)
    reasoning: str = field(default="", repr=False)
    tools: list[tuple[str, Any]] = field(default_factory=list, repr=False)  # name, arguments (JSON where they are)
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None

    def count(self, asked: Any, answered: Any, reasoned: Any = None) -> None:
        self.input_tokens = self.input_tokens if asked is None else asked
        self.output_tokens = self.output_tokens if answered is None else answered
        self.reasoning_tokens = self.reasoning_tokens if reasoned is None else reasoned


def at(value: Any, *keys: str | int) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def events(recorded: Recorded) -> Iterator[tuple[str, Any]]:
    """(event's name, value) of a reply, whichever way it is framed; a plain JSON body is one event."""
    if recorded.framing == "aws_eventstream":
        yield from _frames(recorded.said)
        return
    if recorded.websocket:
        yield from (("client" if message.from_client else "", parsed(message.content)) for message in recorded.messages)
        return
    try:
        value = json.loads(recorded.said)
    except ValueError:
        yield from _lines(recorded.said)
    else:
        yield from ((("", each) for each in value) if isinstance(value, list) else [("", value)])


def _lines(body: bytes) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("event:"):
            name = line[6:].strip()
        words = line.removeprefix("data:").strip()
        if words.startswith("{"):
            yield name, json.loads(words)
        if not line:
            name = ""


def _frames(body: bytes) -> Iterator[tuple[str, Any]]:
    while len(body) > 16:
        total, head = struct.unpack(">II", body[:8])
        headers, name = body[12 : 12 + head], ""
        while headers:
            key_length = headers[0]
            key = headers[1 : 1 + key_length].decode()
            (length,) = struct.unpack(
                ">H", headers[2 + key_length : 4 + key_length]
            )  # every header of these streams is a string
            value = headers[4 + key_length : 4 + key_length + length].decode()
            headers = headers[4 + key_length + length :]
            name = value if key == ":event-type" else name
        payload = json.loads(body[12 + head : total - 4] or b"{}")
        if "bytes" in payload:
            payload = parsed(base64.b64decode(payload["bytes"]).decode())  # an agent's are plain text
        yield name, payload
        body = body[total:]


def parsed(arguments: Any) -> Any:
    if isinstance(arguments, (str, bytes)):
        try:
            return json.loads(arguments)
        except ValueError:
            return arguments
    return arguments


Events = list[tuple[str, Any]]


class Calls:
    """Tool calls of one message in the making."""

    def __init__(self) -> None:
        self.made: list[list[Any]] = []  # key, id, name, arguments

    def add(self, key: Any, call_id: str, name: str, arguments: Any) -> None:
        last = next((call for call in reversed(self.made) if call[0] == key), None) if key is not None else None
        if key is None and self.made and not name:
            last = self.made[-1]
        if last is None or (name and call_id and last[1] and call_id != last[1]):
            self.made.append(
                [key, call_id, name, arguments if isinstance(arguments, (dict, list)) else arguments or ""]
            )
            return
        if name and name != last[2]:
            last[2] += name
        if isinstance(arguments, str):
            last[3] = arguments if last[3] == "" else last[3] + arguments

    def tools(self) -> list[tuple[str, Any]]:
        return [(name, parsed(arguments)) for _, _, name, arguments in self.made]
