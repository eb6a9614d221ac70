"""The twins: a reply's bytes beside what they say. Synthetic, one folder an endpoint; written for these tests, 2026-11.

openai.chat/tools.sse              the bytes; the ending is the framing
openai.chat/tools.sse.reply.json   {"parts": [[kind, content, name, call_id], …], "calls": [parts told by frames], …}
aws.*/….frames.json                [[headers, payload], …]: AWS event-stream frames, made binary when loaded
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addons.providers.aws_eventstream import write_frame
from addons.providers.call import Call, Frame, Part, Reply
from addons.providers.doors import stream_parser
from addons.providers.registry import endpoint_with_id
from addons.providers.wire import StreamParser

HERE = Path(__file__).parent
TYPES = {
    ".sse": "text/event-stream; charset=utf-8",
    ".ndjson": "application/x-ndjson",
    ".array": "application/json",
    ".frames": "application/vnd.amazon.eventstream",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Twin:
    endpoint: str
    name: str
    content_type: str
    body: bytes
    said: dict[str, Any]

    @property
    def call(self) -> Call:
        operation = found.operation if (found := endpoint_with_id(self.endpoint)) else ""
        return Call("openai", operation, self.endpoint, "", not self.name.endswith(".json"), ())

    def parser(self) -> StreamParser:
        parser = stream_parser(self.call, self.content_type)
        assert parser is not None
        return parser


def load() -> list[Twin]:
    return [_twin(said) for said in sorted(HERE.glob("*/*.reply.json"))]


def streams() -> list[Twin]:
    return [twin for twin in load() if not twin.name.endswith(".json")]


def _twin(said: Path) -> Twin:
    name = said.name.removesuffix(".reply.json")
    body = said.with_name(name).read_bytes()
    ending = Path(name).suffix
    return Twin(
        said.parent.name,
        name,
        TYPES[ending],
        frames(body) if ending == ".frames" else body,
        json.loads(said.read_bytes()),
    )


def frames(text: bytes) -> bytes:
    """The binary frames that a .frames file lists."""
    return b"".join(write_frame(headers, _payload(payload)) for headers, payload in json.loads(text))


def _payload(payload: Any) -> bytes:
    """A "chunk" stands for what InvokeModelWithResponseStream wraps in base64."""
    if isinstance(payload, dict) and "chunk" in payload:
        inner = payload["chunk"]
        said = inner if isinstance(inner, str) else json.dumps(inner)
        payload = {"bytes": base64.b64encode(said.encode()).decode(), "p": "abc"}
    return json.dumps(payload).encode()


def spelled(reply: Reply) -> dict[str, Any]:
    """A reply in the twins' own form; only what is said."""
    usage = reply.usage
    counts = [usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, usage.cached_tokens]
    said = {
        "parts": [part_row(part) for part in reply.parts],
        "model": reply.model,
        "response_id": reply.response_id,
        "finish_reasons": list(reply.finish_reasons),
        "usage": counts if any(count is not None for count in counts) else [],
        "error": reply.error,
        "cut": not reply.complete,
    }
    return {key: value for key, value in said.items() if value}


def part_row(part: Part) -> list[str]:
    row = [part.kind.value, part.content, part.name, part.call_id, part.media_type, "base64" if part.base64 else ""]
    while not row[-1]:
        row.pop()
    return row


def fed(parser: StreamParser, pieces: list[bytes]) -> list[Frame]:
    told = [frame for piece in pieces for frame in parser.feed(piece)]
    return [*told, *parser.finish()]
