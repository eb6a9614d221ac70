"""Tool calls in a provider's WebSocket messages: which messages wait for a decision, and what goes on without a denied call. Not the WebSocket.

OpenAI's Realtime sends the events of its responses stream, one a message; Gemini's Live sends {"toolCall": {"functionCalls": […]}} whole.
From the first message of a call on every message of the provider waits, so that none overtakes another; until the call's arguments are
complete, and not until its item is: clients answer a call as soon as they can, and the provider may tell the rest after that.
Source: OpenAI API reference, "Realtime", server events; Gemini API, Live (2026-11).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import NotJson, array, compact, dumps, loads, obj, text
from addons.providers.openai_responses import ResponsesAssembler
from addons.providers.without_openai import ResponsesEditor


@dataclass(slots=True)
class SocketCalls:
    """One WebSocket."""

    queue: list[bytes] = field(default_factory=list, repr=False)  # messages that wait
    completed: list[Part] = field(default_factory=list, repr=False)  # the calls in them
    _assembler: ResponsesAssembler = field(default_factory=ResponsesAssembler, repr=False)
    _editor: ResponsesEditor | None = field(default=None, repr=False)  # of an answer from which a call was taken
    _names: dict[int, tuple[str, str]] = field(
        default_factory=dict, repr=False
    )  # output_index -> tool and call id, as announced
    _told: dict[int, str] = field(
        default_factory=dict
    )  # output_index -> id of a call whose arguments were complete before its item

    def take(self, content: bytes) -> bool:
        """Whether this message of the provider waits; then it is in the queue."""
        value = _object(content)
        if value.get("type") == "response.created":
            self._assembler, self._editor = ResponsesAssembler(), None
            self._names, self._told = {}, {}
        found = _live_calls(value) or self._spoken(value)
        if not (self.queue or found or self._holding):
            return False
        self.queue.append(content)
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
        """Calls are complete, and none is open."""
        return bool(self.completed) and not self._holding

    def let_through(self) -> list[bytes]:
        passed, self.queue, self.completed = self.queue, [], []
        return passed

    def take_out(self, sentence: str) -> list[bytes]:
        """What waited without its calls, a sentence in their place."""
        events: list[tuple[str, Json]] = [("", _object(content)) for content in self.let_through()]
        if any(_live_calls(obj(value)) for _, value in events):
            return [dumps(_without_live(obj(value), sentence)) for _, value in events]
        self._editor = self._editor or ResponsesEditor()
        return [dumps(value) for _, value in self._editor.deny(events, sentence)]

    def after(self, content: bytes) -> bytes | None:
        """A later message, as it follows what was taken out; None where it speaks of nothing else."""
        if self._editor is None:
            return content
        event: tuple[str, Json] = ("", _object(content))
        if self._editor.has_taken_out(obj(event[1])):
            return None
        edited = self._editor.after(event, calls_passed=False)
        return content if edited == event else dumps(edited[1])


def _object(content: bytes) -> dict[str, Json]:
    try:
        return obj(loads(content))
    except NotJson:
        return {}


def _live_calls(value: dict[str, Json]) -> tuple[Part, ...]:
    calls = map(obj, array(obj(value.get("toolCall")).get("functionCalls")))
    return tuple(
        Part(Kind.TOOL_CALL, compact(call.get("args") or {}), name=text(call.get("name")), call_id=text(call.get("id")))
        for call in calls
    )


def _without_live(value: dict[str, Json], sentence: str) -> dict[str, Json]:
    if not _live_calls(value):
        return value
    turn = {"modelTurn": {"parts": [{"text": sentence}]}, "turnComplete": True}
    return {**{key: said for key, said in value.items() if key != "toolCall"}, "serverContent": turn}
