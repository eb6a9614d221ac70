"""The texts in a provider's WebSocket messages, and which messages wait for their sake. Not what is taken out (socket_calls.py), not the WebSocket.

OpenAI's Realtime and /v1/responses send the events of the responses stream, one a message: an item waits from its beginning, and its sound
with it, until its text is decided. Gemini's Live sends serverContent in pieces until the turn is complete. In a format that nobody knows each
message is a text. As in texts.py a text is decided when it ends or has grown by PIECE characters, together with what came before it.
Source: OpenAI API reference, "Realtime", server events; Gemini API, Live (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from addons.providers.call import Json, Part
from addons.providers.gemini_content import either
from addons.providers.json_values import array, obj, text
from addons.providers.texts import PIECE, HeldText, strings
from addons.providers.without_live import CALLS, CONTENT, SAYS, is_live

Channel = tuple[Any, ...]  # ("item", output_index, …), ("live", which text) or ("unknown",)

_PIECES: Final = ("text.delta", "transcript.delta", "refusal.delta", "reasoning_summary.delta")
_WAITING: Final = frozenset({"message", "reasoning"})  # items that say something
_UNKNOWN: Final = ("unknown",)
_LIVE_ENDS: Final = (("turnComplete", "turn_complete"), ("generationComplete", "generation_complete"), ("interrupted",) * 2)  # fmt: skip


@dataclass(slots=True)
class SocketTexts:
    """Of one WebSocket."""

    _open: dict[Channel, HeldText] = field(default_factory=dict, repr=False)
    _ended: dict[Channel, HeldText] = field(default_factory=dict, repr=False)  # and not decided
    _known: list[str] = field(
        default_factory=list, repr=False
    )  # what ended in this answer: it is told again, as a whole
    _earlier: list[str] = field(default_factory=list, repr=False)  # and in the answer before
    _begun: set[int] = field(default_factory=set)  # output_index of items of which the client has a part

    @property
    def holding(self) -> bool:
        return bool(self._open)

    @property
    def due(self) -> bool:
        return bool(self._ended) or any(said.waits >= PIECE for said in self._open.values())

    def take(self, value: dict[str, Json], content: bytes) -> None:
        """One message of the provider, after those before it."""
        if isinstance(value.get("type"), str):
            self._event(text(value["type"]), value)
        elif is_live(value):
            self._live(value)
        else:
            self._ended.setdefault(_UNKNOWN, HeldText()).add(content.decode("utf-8", "replace"))

    def close(self) -> None:
        """What is said has ended, as far as it came."""
        self._close(list(self._open))

    def undecided(self) -> tuple[Part, ...]:
        """What is decided next: all that waits, as far as it came."""
        return tuple([said.decided() for said in (*self._ended.values(), *self._open.values()) if said.waits])

    def agreed(self) -> None:
        """People agreed to what was decided: it is not looked at again."""
        for said in self._open.values():
            said.since = said.length

    def passed(self) -> None:
        """What was decided is with the client."""
        self._begun |= _places({*self._ended, *self._open})
        self._ended.clear()

    def denied(self) -> frozenset[int] | None:
        """What was decided is not told: the output_index of its items. None: of one the client has a part, or nobody knows its format."""
        channels = {**self._ended, **self._open}
        places = _places(channels)
        if _UNKNOWN in channels or places & self._begun:
            return None
        self._known += [said.whole for said in channels.values()]
        self._ended.clear()
        self._open.clear()
        return places

    # -- OpenAI -----------------------------------------------------------------------------------------------------
    def _event(self, kind: str, value: dict[str, Json]) -> None:
        item, place = obj(value.get("item")), _place(value)
        if kind == "response.created":
            self.close()
            self._earlier, self._known = self._known, []
            self._begun.clear()
        elif kind == "response.output_item.added" and text(item.get("type")) in _WAITING:
            self._open[_item(place)] = HeldText()
            self._told(_item(place), strings(item), self._known)
        elif kind.startswith("response.") and kind.endswith(_PIECES):
            self._piece(_channel(kind, value), text(value.get("delta")))
        elif kind.startswith("response.") and not kind.endswith(".delta"):
            self._close(self._ending(kind, value))
            for number, one in enumerate(array(obj(value.get("response")).get("output"))):
                self._told(_item(number), strings(one), self._known)
            self._told(_item(place), strings({**value, "response": None}), self._known)
        elif kind.startswith("conversation.item.") and item.get("role") == "assistant":
            self._told(_item(place), strings(item), (*self._known, *self._earlier))

    def _piece(self, channel: Channel, said: str) -> None:
        begun = self._open.pop(_item(channel[1]), None)
        if said or begun:
            self._open.setdefault(channel, HeldText()).add(said)

    def _ending(self, kind: str, value: dict[str, Json]) -> list[Channel]:
        """The open texts that an event ends: its own, its item's, or all."""
        if "response" in value:
            return list(self._open)
        if kind.endswith("output_item.done"):
            return [channel for channel in self._open if channel[1] == _place(value)]
        return [channel for channel in self._open if channel == _channel(kind, value)]

    # -- Gemini -----------------------------------------------------------------------------------------------------
    def _live(self, value: dict[str, Json]) -> None:
        content = obj(either(value, *CONTENT))
        for camel, snake in SAYS:
            if said := "".join(strings(either(content, camel, snake))):
                self._open.setdefault(("live", camel), HeldText()).add(said)
        if either(value, *CALLS) or any(either(content, *names) for names in _LIVE_ENDS):
            self.close()
            self._known.clear()

    # -- both -------------------------------------------------------------------------------------------------------
    def _told(self, channel: Channel, said: Iterable[str], known: Iterable[str]) -> None:
        """Texts that come whole, unless they were told before."""
        known = (*known, *(one.whole for one in (*self._open.values(), *self._ended.values())))
        for new in [one for one in said if not any(one in before for before in known)]:
            self._ended.setdefault(channel, HeldText()).add(new)
            self._known.append(new)

    def _close(self, channels: list[Channel]) -> None:
        for channel in channels:
            self._ended[channel] = said = self._open.pop(channel)
            self._known.append(said.whole)


def _place(value: dict[str, Json]) -> int:
    place = value.get("output_index")
    return place if isinstance(place, int) else 0


def _item(place: int) -> Channel:
    """What is told of an item as a whole, or will be."""
    return ("item", place)


def _places(channels: Iterable[Channel]) -> frozenset[int]:
    return frozenset(channel[1] for channel in channels if channel[0] == "item")


def _channel(kind: str, value: dict[str, Json]) -> Channel:
    """response.output_text.delta and .done are of one text."""
    indexes = [str(value.get(name, 0)) for name in ("content_index", "summary_index")]
    return ("item", _place(value), *indexes, kind.rpartition(".")[0])
