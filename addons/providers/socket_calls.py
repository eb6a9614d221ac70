"""Tool calls in a provider's WebSocket messages: which messages wait for a decision, and what goes on without what was denied. Not the WebSocket.

OpenAI's Realtime sends the events of its responses stream, one a message; Gemini's Live sends {"toolCall": {"functionCalls": […]}} whole.
From the first message of a call on every message of the provider waits, so that none overtakes another; until the call's arguments are
complete, and not until its item is: clients answer a call as soon as they can, and the provider may tell the rest after that.
Where a rule looks at texts, messages wait for them too (socket_texts.py).
Source: OpenAI API reference, "Realtime", server events; Gemini API, Live (2026-11).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import NotJson, dumps, loads, obj, text
from addons.providers.openai_items import is_call
from addons.providers.openai_responses import ResponsesAssembler
from addons.providers.socket_texts import SocketTexts
from addons.providers.without_live import LiveEditor, is_live, live_calls
from addons.providers.without_openai import ResponsesEditor


@dataclass(slots=True)
class SocketCalls:
    """One WebSocket."""

    texts: SocketTexts | None = None  # where a rule looks at them
    queue: list[bytes] = field(default_factory=list, repr=False)  # messages that wait
    size: int = 0  # bytes in them
    completed: list[Part] = field(default_factory=list, repr=False)  # the calls in them
    _assembler: ResponsesAssembler = field(default_factory=ResponsesAssembler, repr=False)
    _editor: ResponsesEditor | None = field(default=None, repr=False)  # of an answer from which a call was taken
    _live: LiveEditor = field(default_factory=LiveEditor, repr=False)
    _names: dict[int, tuple[str, str]] = field(
        default_factory=dict, repr=False
    )  # output_index -> tool and call id, as announced
    _told: dict[int, str] = field(
        default_factory=dict
    )  # output_index -> id of a call whose arguments were complete before its item

    def ends_texts(self, content: bytes) -> bool:
        """Whether what waits, texts alone, is decided before this message: it begins a call, which may wait for long."""
        if self.texts is None or not self.queue or self.completed or self._holding:
            return False
        value = _object(content)
        begins = (
            bool(live_calls(value)) or is_call(obj(value.get("item"))) or "call_arguments" in text(value.get("type"))
        )
        if begins:
            self.texts.close()
        return begins

    def take(self, content: bytes) -> bool:
        """Whether this message of the provider waits; then it is in the queue."""
        value = _object(content)
        if value.get("type") == "response.created":
            self._assembler, self._editor = ResponsesAssembler(), None
            self._names, self._told = {}, {}
        found = live_calls(value) or self._spoken(value)
        if self.texts and not (self._live.silent or self._is_taken_out(value)):
            self.texts.take(value, content)
        if not (self.queue or found or self._holding or (self.texts and (self.texts.holding or self.texts.due))):
            return False
        self.queue.append(content)
        self.size += len(content)
        self.completed += found
        return True

    def _spoken(self, value: dict[str, Json]) -> tuple[Part, ...]:
        """The calls that an event completes, each once."""
        place, kind, item = value.get("output_index"), value.get("type"), obj(value.get("item"))
        found = self._assembler.take("", value)
        if kind == "response.output_item.added" and isinstance(place, int):
            self._names[place] = text(item.get("name")), text(item.get("call_id"))
        elif kind == "response.function_call_arguments.done" and place in self._assembler.open_places:
            name, call_id = self._names.get(place, ("", ""))
            call_id = text(value.get("call_id")) or call_id
            self._told[place] = call_id
            return (Part(Kind.TOOL_CALL, text(value.get("arguments")), text(value.get("name")) or name, call_id),)
        return tuple([part for part in found if part.call_id not in self._told.values()])

    @property
    def _holding(self) -> bool:
        return bool(self._assembler.open_places - self._told.keys())

    @property
    def decidable(self) -> bool:
        """Calls are complete, or texts, and no call is open."""
        return (bool(self.completed) or (self.texts is not None and self.texts.due)) and not self._holding

    def undecided(self) -> tuple[Part, ...]:
        """What is decided next. Asked once."""
        return (*(self.texts.undecided() if self.texts else ()), *self.completed)

    def let_through(self) -> list[bytes]:
        if self.texts:
            self.texts.passed()
        return [left for content in self._emptied() if (left := self.after(content)) is not None]

    def take_out(self, sentence: str, *, texts: bool = False) -> list[bytes] | None:
        """What waited without its calls, a sentence in their place, or without its texts and its calls; None: nobody knows how."""
        items: frozenset[int] | None = frozenset()
        if self.texts and texts:
            items = self.texts.denied()
        elif self.texts:
            self.texts.passed()
        if items is None:
            return None
        values = [value for content in self._emptied() if not self._is_taken_out(value := _object(content))]
        if any(map(is_live, values)):
            return [dumps(value) for value in self._live.deny(values, sentence, texts=texts)]
        self._editor = self._editor or ResponsesEditor()
        return [dumps(value) for _, value in self._editor.deny([("", value) for value in values], sentence, items)]

    def after(self, content: bytes) -> bytes | None:
        """A later message, as it follows what was taken out; None where it speaks of nothing else."""
        value = _object(content)
        left = self._live.after(value)
        if left is None or self._is_taken_out(value):
            return None
        if self._editor and not is_live(value):
            left = obj(self._editor.after(("", value), calls_passed=False)[1])
        return content if left == value else dumps(left)

    def _is_taken_out(self, value: dict[str, Json]) -> bool:
        return self._editor is not None and self._editor.has_taken_out(value)

    def _emptied(self) -> list[bytes]:
        waited, self.queue, self.completed, self.size = self.queue, [], [], 0
        return waited


def _object(content: bytes) -> dict[str, Json]:
    try:
        return obj(loads(content))
    except NotJson:
        return {}
