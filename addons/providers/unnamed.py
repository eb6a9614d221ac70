"""Ids for tool calls and results that the wire gives none: by name and order within the turn, as their providers pair them. Not the pairing: the store's.

    Gemini      functionCall and functionResponse without id, each in one turn
    Ollama      tool_calls, then a message of role `tool` for each, with its name at most
    OpenAI      the old function_call, then a message of role `function` with its name
An id of this kind says that it is none: "order:2:read_file", the second call of read_file in its turn.
Sources: Google, "Function calling with the Gemini API" (2026-11); Ollama, api.md, "Chat request (with tools)"; OpenAI API reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from addons.providers.call import Kind, Part

MARK = "order:"


class Unnamed:
    """The turns of one conversation, in order."""

    __slots__ = ("_answered", "_asked")

    def __init__(self) -> None:
        self._asked: list[str] = []  # ids of calls that wait for their results, in order
        self._answered: Counter[str] = Counter()

    def turn(self, parts: Iterable[Part]) -> Iterator[Part]:
        """A turn's parts, each call and result with an id. Calls of a turn after results begin anew."""
        called: Counter[str] = Counter()
        for part in parts:
            if part.kind is Kind.TOOL_CALL and not part.call_id:
                if not called:
                    self._asked, self._answered = [], Counter()
                called[part.name] += 1
                made = f"{MARK}{called[part.name]}:{part.name}"
                self._asked.append(made)
                yield replace(part, call_id=made)
            elif part.kind is Kind.TOOL_RESULT and not part.call_id:
                yield replace(part, call_id=self._answering(part.name))
            else:
                yield part

    def _answering(self, name: str) -> str:
        """By name; by order alone where the result says only that it is an error, or nothing at all."""
        if name and name != "error":
            self._answered[name] += 1
            made = f"{MARK}{self._answered[name]}:{name}"
            if made in self._asked:
                self._asked.remove(made)
            return made
        if not self._asked:
            return ""
        made = self._asked.pop(0)
        self._answered[made.split(":", 2)[2]] += 1
        return made
