"""A reply without its tool calls: what the client gets where a call was denied and the reply goes on. Pure; not the decision.

Strategy: where a call stood, a sentence stands, in the same place and of the same index; finish reasons, the final object and the
numbers of events follow. Each format is an `Editor` of events, whatever carries them (server-sent events, AWS frames), and of whole
bodies. What an editor gives is read again before it is passed: if a call is left in it, nothing of it is used.
Source: the providers' API references, streaming (2026-11); see each format's own file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Final, Protocol

import orjson

from addons.providers.call import Json
from addons.providers.events import Event, events_in, written
from addons.providers.json_stream import BLANKS
from addons.providers.json_values import NotJson, loads
from addons.providers.wire import StreamParser
from addons.providers.without_blocks import ConverseEditor, GeminiEditor, MessagesEditor
from addons.providers.without_openai import ChatEditor, ResponsesEditor
from addons.providers.without_others import (
    AgentEditor,
    CohereEditor,
    CohereV1Editor,
    InteractionsEditor,
    OllamaEditor,
)


class Editor(Protocol):
    """One stream, from its first denied call on."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        """The events of calls that were held together, with the calls taken out. Others among them stay."""

    def after(self, event: Event, calls_passed: bool) -> Event:
        """A later event. calls_passed: whether the client has got any call of this reply."""

    def whole(self, body: Json, sentence: str) -> Json:
        """A reply that is no stream, without any call."""


_EDITORS: Final[Mapping[str, Callable[[], Editor]]] = {
    "openai.chat": ChatEditor,
    "anthropic.messages": MessagesEditor,
    "openai.responses": ResponsesEditor,
    "gemini.generate": GeminiEditor,
    "bedrock.converse": ConverseEditor,
    "bedrock.agent": AgentEditor,
    "cohere.chat": CohereEditor,
    "cohere.chat_v1": CohereV1Editor,
    "ollama.chat": OllamaEditor,
    "gemini.interactions": InteractionsEditor,
}


def without_calls(endpoint: str, body: bytes, sentence: str) -> bytes | None:
    """A whole reply without its calls; None: it is of a format that is refused rather than edited."""
    made = _EDITORS.get(endpoint)
    try:
        return orjson.dumps(made().whole(loads(body), sentence)) if made else None
    except NotJson:
        return None


class Withholding:
    """One stream from its first denied call on: bytes of whole frames in, bytes out."""

    def __init__(self, editor: Editor, reread: Callable[[], StreamParser]) -> None:
        self._editor = editor
        self._reread = reread

    @classmethod
    def of(cls, endpoint: str, reread: Callable[[], StreamParser]) -> Withholding | None:
        """None: streams of this format are refused rather than edited."""
        made = _EDITORS.get(endpoint)
        return cls(made(), reread) if made else None

    def deny(self, data: bytes, sentence: str) -> bytes | None:
        """The frames of calls that were held together, without the calls; None: that could not be done."""
        spoken = events_in(data)
        events = [event for event, _ in spoken if event is not None]
        silent = b"".join(raw for event, raw in spoken if event is None)
        if not events:
            return silent
        silent = silent if silent.strip(BLANKS) else b""  # the end of a line that is written anew with its own
        editor = deepcopy(self._editor)
        passed = written(editor.deny(events, sentence), data) + silent
        parser = self._reread()
        frames = (*parser.feed(passed), *parser.finish())
        if any(frame.completed or frame.holds for frame in frames):
            return None
        self._editor = editor
        return passed

    def after(self, data: bytes, *, calls_passed: bool) -> bytes:
        """A later frame; its own bytes where nothing changes."""
        passed, edited = bytearray(), None
        for event, raw in events_in(data):
            if event is None and edited is not None and not raw.strip(BLANKS):
                continue  # as above: an empty line more, and Ollama's SDK fails
            edited = None if event is None else self._editor.after(event, calls_passed)
            edited = None if edited is event else edited
            passed += raw if edited is None else written([edited], raw)
        return bytes(passed)
