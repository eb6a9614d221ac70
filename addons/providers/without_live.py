"""Gemini's Live without its tool calls, or without the rest of a turn. Not the decision, not the WebSocket. Source: Gemini API, Live (2026-11)."""

from __future__ import annotations

from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.gemini_content import either
from addons.providers.json_values import array, compact, obj, text

Value = dict[str, Json]
CONTENT: Final = ("serverContent", "server_content")
CALLS: Final = ("toolCall", "tool_call")
SAYS: Final = (("modelTurn", "model_turn"), ("outputTranscription", "output_transcription"))
_KEYS: Final = frozenset({*CONTENT, *CALLS, "setupComplete", "setup_complete"})
_TURN_ENDS: Final = (("turnComplete", "turn_complete"), ("interrupted", "interrupted"))


def is_live(value: Value) -> bool:
    return bool(value.keys() & _KEYS)


def live_calls(value: Value) -> tuple[Part, ...]:
    calls = map(obj, array(either(obj(either(value, *CALLS)), "functionCalls", "function_calls")))
    return tuple(
        Part(Kind.TOOL_CALL, compact(call.get("args") or {}), name=text(call.get("name")), call_id=text(call.get("id")))
        for call in calls
    )


class LiveEditor:
    def __init__(self) -> None:
        self.silent = False  # the rest of this turn is not told
        self._sentence = ""  # still to be said in its place

    def deny(self, values: list[Value], sentence: str, *, texts: bool) -> list[Value]:
        """Without the calls, and with `texts` without what is said till the turn ends."""
        if texts:
            self.silent, self._sentence = True, sentence
        edited = [_without_calls(left, sentence) for value in values if (left := self.after(value))]
        return edited

    def after(self, value: Value) -> Value | None:
        """A message as it follows what was taken out; None where it says nothing else."""
        content = obj(either(value, *CONTENT))
        if not (self.silent and content):
            return value
        left = {key: said for key, said in content.items() if not any(key in names for names in SAYS)}
        if self._sentence and len(left) < len(content):
            left, self._sentence = {"modelTurn": _turn(self._sentence), **left}, ""
        self.silent = not any(either(content, *names) for names in _TURN_ENDS)
        rest = {key: said for key, said in value.items() if key not in CONTENT}
        return {**rest, **({"serverContent": left} if left else {})} or None


def _turn(sentence: str) -> Json:
    return {"parts": [{"text": sentence}]}


def _without_calls(value: Value, sentence: str) -> Value:
    if not live_calls(value):
        return value
    rest = {key: said for key, said in value.items() if key not in CALLS}
    return {**rest, "serverContent": {"modelTurn": _turn(sentence), "turnComplete": True}}
