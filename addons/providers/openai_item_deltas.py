"""The deltas of one output item of OpenAI's responses stream, put together in the item's own form. Not parts, not the stream.

Source: OpenAI API reference, "Streaming events" (2026-11): response.<what>.delta with content_index or summary_index.
"""

from __future__ import annotations

from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import text, words
from addons.providers.openai_items import PROVIDERS_OWN, is_call, item_parts

# event: (the list its text goes into, the entry's type) or (the key its text goes under, "")
_PLACES: Final = {
    "response.output_text.delta": ("content", "output_text"),
    "response.refusal.delta": ("content", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text"),
    "response.function_call_arguments.delta": ("arguments", ""),
    "response.mcp_call_arguments.delta": ("arguments", ""),
    "response.mcp_call.arguments.delta": ("arguments", ""),
    "response.custom_tool_call_input.delta": ("input", ""),
    "response.code_interpreter_call_code.delta": ("code", ""),
}


class ItemDraft:
    """One output item: as it was announced, and what has been said of it since."""

    def __init__(self, announced: dict[str, Json]) -> None:
        self._item = announced
        self._whole = False
        self._told = False
        self._pieces: dict[tuple[str, str, int], list[str]] = {}

    @property
    def holding(self) -> bool:
        """It is a call that the client may run and that is not whole yet."""
        return not self._told and is_call(self._item) and text(self._item.get("type")) not in PROVIDERS_OWN

    def add(self, event: str, body: dict[str, Json]) -> None:
        place = _PLACES.get(event)
        if place is None:
            return
        if not self._item and not place[1]:
            self._item = {"type": "function_call"}  # arguments of a call that was never announced are held as well
        index = body.get("content_index", body.get("summary_index"))
        key = (*place, index if isinstance(index, int) else 0)
        self._pieces.setdefault(key, []).append(words(body.get("delta")))

    def finish(self, item: dict[str, Json]) -> tuple[Part, ...]:
        """Takes the item as the server tells it whole; answers its calls, once."""
        if item:
            self._item = item
            self._whole = True
        if self._told or not is_call(self._item):
            return ()
        self._told = True
        return tuple([part for part in item_parts(self._item) if part.kind is Kind.TOOL_CALL])

    def item(self) -> dict[str, Json]:
        if self._whole or not self._pieces:
            return self._item
        item: dict[str, Json] = {"type": self._kind(), **self._item}
        for key in {name for name, kind, _ in self._pieces if kind}:
            item[key] = self._entries(key)
        item |= {name: "".join(said) for (name, kind, _), said in self._pieces.items() if not kind}
        return item

    def _entries(self, key: str) -> list[Json]:
        found = sorted(
            (index, kind, "".join(said)) for (name, kind, index), said in self._pieces.items() if name == key
        )
        return [{"type": kind, "refusal" if kind == "refusal" else "text": said} for _, kind, said in found]

    def _kind(self) -> str:
        """Of an item that was never announced."""
        kinds = {kind for _, kind, _ in self._pieces}
        return "reasoning" if kinds <= {"reasoning_text", "summary_text"} else "message"
