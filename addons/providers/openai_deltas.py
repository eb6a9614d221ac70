"""The deltas of one chat message, put together in the message's own form. Not parts: openai_content.py makes those of it.

Seen in the field: tool deltas without index (Mistral), one index for several calls (Gemini's compatible endpoint), arguments
as an object, a name repeated in each delta, content now a string and now a list (Mistral's thinking).
"""

from __future__ import annotations

from typing import Final

from addons.providers.call import Json, Part
from addons.providers.json_values import array, obj, text, words
from addons.providers.openai_content import message_parts, tool_call

_SPOKEN: Final = frozenset({"content", "reasoning", "reasoning_content", "refusal"})
_SKIPPED: Final = frozenset({"role", "tool_calls", "function_call"})


class CallDraft:
    """One tool call in the making."""

    __slots__ = ("arguments", "call_id", "kind", "name")

    def __init__(self) -> None:
        self.call_id = ""
        self.kind = "function"
        self.name = ""
        self.arguments: list[str] = []

    def add(self, delta: dict[str, Json]) -> None:
        self.call_id = self.call_id or text(delta.get("id"))
        custom = obj(delta.get("custom"))
        if custom.get("name") or custom.get("input"):  # Snowflake sends an empty one beside every function
            self.kind = "custom"
            self.add_function(text(custom.get("name")), custom.get("input"))
        else:
            function = obj(delta.get("function"))
            self.add_function(text(function.get("name")), function.get("arguments"))

    def add_function(self, name: str, arguments: Json) -> None:
        if name != self.name:
            self.name += name
        self.arguments.append(words(arguments))

    def spelled(self) -> dict[str, Json]:
        key = "input" if self.kind == "custom" else "arguments"
        return {"id": self.call_id, "type": self.kind, self.kind: {"name": self.name, key: "".join(self.arguments)}}


class MessageDraft:
    """One choice of a stream."""

    def __init__(self) -> None:
        self.reason = ""
        self._pieces: dict[str, list[Json]] = {}
        self.calls: list[CallDraft] = []
        self._by_index: dict[int, CallDraft] = {}
        self._by_id: dict[str, CallDraft] = {}
        self.function: CallDraft | None = None
        self._told = False

    @property
    def holding(self) -> bool:
        return not self._told and (bool(self.calls) or self.function is not None)

    def say_again(self, message: dict[str, Json]) -> None:
        """MiniMax ends with the whole message, not with more of it. Calls that have come stay, and are not told twice."""
        self._pieces = {}
        known = ("tool_calls", "function_call") if self.calls or self.function else ()
        self.add({key: value for key, value in message.items() if key not in known})

    def add(self, delta: dict[str, Json]) -> None:
        for key, value in delta.items():
            if value is None or value == "":
                continue
            if pieces := self._pieces.get(key):
                pieces.append(value)
            elif key not in _SKIPPED:
                self._pieces[key] = [value]
        if calls := delta.get("tool_calls"):
            for entry in array(calls):
                self._call_of(obj(entry)).add(obj(entry))
                self._told = False
        if function := obj(delta.get("function_call")):
            self.function = self.function or CallDraft()
            self.function.add_function(text(function.get("name")), function.get("arguments"))
            self._told = False

    def _call_of(self, entry: dict[str, Json]) -> CallDraft:
        """The call a delta belongs to: by index, unless it brings another id and name; without index, by id, else the last."""
        index = entry.get("index")
        call_id = text(entry.get("id"))
        if isinstance(index, int):
            known = self._by_index.get(index)
        elif call_id:
            known = self._by_id.get(call_id)
        else:
            known = self.calls[-1] if self.calls else None
        if known is None or (_names(entry) and call_id and known.call_id and call_id != known.call_id):
            known = CallDraft()
            self.calls.append(known)
            self._by_id[call_id] = known
            if isinstance(index, int):
                self._by_index[index] = known
        return known

    def finish(self, reason: str) -> tuple[Part, ...]:
        """The tool calls, each told once."""
        self.reason = reason or self.reason
        if not self.holding:
            return ()
        self._told = True
        return tuple([tool_call(call.spelled()) for call in self.calls] + self._function_parts())

    def _function_parts(self) -> list[Part]:
        return list(message_parts({"function_call": self._spelled_function()})) if self.function else []

    def _spelled_function(self) -> dict[str, Json]:
        call = self.function or CallDraft()
        return {"name": call.name, "arguments": "".join(call.arguments)}

    def message(self) -> dict[str, Json]:
        message: dict[str, Json] = {key: merged(key, pieces) for key, pieces in self._pieces.items()}
        if self.calls:
            message["tool_calls"] = [call.spelled() for call in self.calls]
        if self.function:
            message["function_call"] = self._spelled_function()
        return message


def _names(entry: dict[str, Json]) -> bool:
    return bool(text(obj(entry.get("function")).get("name")) or text(obj(entry.get("custom")).get("name")))


def merged(key: str, pieces: list[Json]) -> Json:
    """What is spoken is joined, lists lengthened, objects laid over one another; otherwise the last value stands."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces) if key in _SPOKEN else pieces[-1]
    if key == "content":
        return merged_entries([entry for piece in pieces for entry in (array(piece) or [piece])])
    if isinstance(pieces[-1], list):
        return [entry for piece in pieces for entry in array(piece)]
    if isinstance(pieces[-1], dict):
        return _merged_objects([obj(piece) for piece in pieces])
    return pieces[-1]


def _merged_objects(pieces: list[dict[str, Json]]) -> dict[str, Json]:
    columns: dict[str, list[Json]] = {}
    for piece in pieces:
        for key, value in piece.items():
            columns.setdefault(key, []).append(value)
    joined = ("data", "transcript")  # of a spoken answer
    return {key: "".join(map(text, values)) if key in joined else values[-1] for key, values in columns.items()}


def merged_entries(entries: list[Json]) -> list[Json]:
    """Neighbours that say the same kind of thing, joined: a stream cuts one text into many entries."""
    joined: list[Json] = []
    run: list[str] = []
    run_type = ""
    for entry in [*entries, None]:
        kind, said = _said(entry)
        if kind != run_type and run:
            joined.append({"type": run_type, run_type: "".join(run)})
            run = []
        run_type = kind
        if kind:
            run.append(said)
        elif entry is not None:
            joined.append(entry)
    return joined


def _said(entry: Json) -> tuple[str, str]:
    """("text" or "thinking", what it says) for entries that may be joined."""
    if isinstance(entry, str):
        return "text", entry
    body = obj(entry)
    kind = text(body.get("type"))
    if kind == "text":
        return kind, words(body.get("text"))
    if kind == "thinking":
        inner = body.get("thinking")
        return kind, text(inner) or "".join(words(obj(piece).get("text")) for piece in array(inner))
    return "", ""
