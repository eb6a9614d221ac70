"""A text, cut into pieces, as providers say it in a WebSocket's messages: the same words in every format. As stream_formats.py, which has the streams.

Sources: OpenAI API reference, "Realtime" and "Responses", server events; Gemini API, Live (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.measuring.stream_formats import in_json


@dataclass(frozen=True, slots=True)
class SocketFormat:
    """`events(number, pieces)`: of the number-th answer, which says the pieces one after the other; bytes where its messages are no text."""

    name: str
    provider: str
    endpoint: str
    path: str
    events: Callable[[int, Sequence[str]], list[Any]]

    def messages(self, number: int, pieces: Sequence[str]) -> list[bytes]:
        return [one if isinstance(one, bytes) else json.dumps(one).encode() for one in self.events(number, pieces)]


LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def _delta(kind: str, number: int, text: str, key: str = "delta") -> dict[str, Any]:
    return {"type": kind, "event_id": f"e{number}", "response_id": f"r{number}", "item_id": f"i{number}", "output_index": 0, "content_index": 0, key: text}  # fmt: skip


def realtime(number: int, pieces: Sequence[str]) -> list[Any]:
    """A voice: sound comes between the pieces of its transcript, and what the person is heard to say too."""
    said: list[Any] = [{"type": "response.created", "response": {"id": f"r{number}", "output": []}}]
    for piece in pieces:
        said += [
            _delta("response.output_audio_transcript.delta", number, piece),
            _delta("response.output_audio.delta", number, "UklGRg=="),
            {
                "type": "conversation.item.input_audio_transcription.delta",
                "item_id": "heard",
                "content_index": 0,
                "delta": "hm ",
            },
            {"type": "rate_limits.updated", "rate_limits": []},
            {"type": "error", "error": {"type": "invalid_request_error", "message": "no such item"}},
        ]
    whole = "".join(pieces)
    item = {"id": f"i{number}", "type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": whole}]}  # fmt: skip
    return [
        *said,
        _delta("response.output_audio.done", number, "", "audio"),
        _delta("response.output_audio_transcript.done", number, whole, "transcript"),
        {"type": "response.output_item.done", "output_index": 0, "response_id": f"r{number}", "item": item},
        {"type": "response.done", "response": {"id": f"r{number}", "status": "completed", "output": [item]}},
    ]


def codex(number: int, pieces: Sequence[str]) -> list[Any]:
    """A call's arguments in pieces, as JSON."""
    said = [_delta("response.function_call_arguments.delta", number, piece) for piece in in_json(pieces)]
    item = {"id": f"i{number}", "type": "function_call", "call_id": "c", "name": "say", "arguments": "".join(in_json(pieces))}  # fmt: skip
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        *said,
        _delta("response.function_call_arguments.done", number, item["arguments"], "arguments"),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": f"r{number}", "status": "completed", "output": [item]}},
    ]


def live(_number: int, pieces: Sequence[str]) -> list[Any]:
    """Gemini's own words, as bytes."""
    said = [{"serverContent": {"modelTurn": {"parts": [{"text": piece}]}}} for piece in pieces]
    return [json.dumps(one).encode() for one in (*said, {"serverContent": {"turnComplete": True}})]


def live_voice(_number: int, pieces: Sequence[str]) -> list[Any]:
    sound = {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "UklGRg=="}}]}}}
    said: list[Any] = []
    for piece in pieces:
        said += [
            sound,
            {"serverContent": {"outputTranscription": {"text": piece}}},
            {"serverContent": {"inputTranscription": {"text": "hm "}}},
            {"usageMetadata": {"totalTokenCount": 1}},
        ]
    return [*said, {"serverContent": {"turnComplete": True}}]


SOCKET_FORMATS = (
    SocketFormat("realtime, a voice's transcript", "openai", "openai.realtime", "/v1/realtime?model=m", realtime),
    SocketFormat("codex, a call's arguments", "openai", "openai.responses.websocket", "/v1/responses", codex),
    SocketFormat("gemini live, text", "gcp.gemini", "gemini.live", LIVE, live),
    SocketFormat("gemini live, a voice's transcript", "gcp.gemini", "gemini.live", LIVE, live_voice),
)
