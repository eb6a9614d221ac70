"""A stream whose texts wait as its tool calls do: for rules that look at what a model says. Not the decision; only where such a rule is.

Strategy: the parser's own frames, and beside them the texts in their events (pieces.py). From its first piece on a text holds what comes
after it, until it ends, another begins, or it has grown by PIECE characters: then it is decided as far as it came, together with what
came before it, so that a pattern over the border is found. What was decided is with the client, and cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from addons.providers.call import Frame, Json, Kind, Part, Reply
from addons.providers.events import events_in
from addons.providers.json_values import obj
from addons.providers.pieces import ends, follows, is_quiet, spots
from addons.providers.wire import StreamParser

PIECE: Final = 8 << 10  # characters that wait at most: some 40 s of a usual model
SEEN_AGAIN: Final = 64 << 10  # of the same text, with each piece

Channel = tuple[Any, ...]
_WHOLE: Final = frozenset({"text", "content", "thinking", "refusal", "transcript", "output_text"})
_DEPTH: Final = 12


@dataclass(slots=True)
class HeldText:
    """A text that comes in pieces."""

    pieces: list[str] = field(default_factory=list, repr=False)
    length: int = 0
    waits: int = 0  # characters that are not decided
    since: int = 0  # what stands before was agreed to

    def add(self, said: str) -> None:
        self.pieces.append(said)
        self.length += len(said)
        self.waits += len(said)

    @property
    def whole(self) -> str:
        self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0]

    def decided(self) -> Part:
        """What is decided next: what waits, after what came before it."""
        begin = max(self.since, self.length - self.waits - SEEN_AGAIN)
        self.waits = 0
        return Part(Kind.TEXT, self.whole[begin:])


class TextsToo:
    """A StreamParser."""

    def __init__(self, parser: StreamParser) -> None:
        self._parser = parser
        self._open: dict[Channel, HeldText] = {}
        self._decided: list[str] = []

    @property
    def end_markers(self) -> tuple[bytes, ...]:
        return self._parser.end_markers

    def reply(self) -> Reply:
        return self._parser.reply()

    def feed(self, data: bytes) -> tuple[Frame, ...]:
        return tuple([frame for one in self._parser.feed(data) for frame in self._with_texts(one)])

    def finish(self) -> tuple[Frame, ...]:
        frames = [frame for one in self._parser.finish() for frame in self._with_texts(one)]
        if rest := self._closed(list(self._open)):
            frames.append(Frame(b"", completed=rest))
        return tuple(frames)

    def _with_texts(self, frame: Frame) -> Iterator[Frame]:
        """The frame, and before and after it, without bytes, the texts that end or have grown long there."""
        ended: list[Part] = []
        over: list[Part] = []
        others = False  # other texts wait in the frames before
        for event, _ in events_in(frame.data) if frame.data else ():
            if event is not None:
                ended += self._before(event, calls=frame.holds)
                others = bool(self._open)
                over += self._taken(event)
        if frame.last:
            over += self._closed(list(self._open))
        if ended:
            yield Frame(b"", others, tuple(ended))
        holds = frame.holds or bool(self._open)
        yield Frame(frame.data, holds, (*frame.completed, *over), frame.last)
        if not frame.holds and any(text.waits >= PIECE for text in self._open.values()):
            yield Frame(b"", completed=tuple(text.decided() for text in self._open.values()))

    def agreed(self) -> None:
        """People agreed to what was decided: it is not looked at again."""
        for text in self._open.values():
            text.since = text.length - text.waits

    def _before(self, event: tuple[str, Json], *, calls: bool) -> tuple[Part, ...]:
        """Texts that end because another begins, or a call."""
        found = spots(*event)
        return self._closed(
            [
                channel
                for channel in self._open
                if calls or any(spot.text and follows(spot.channel, channel, both_json=False) for spot in found)
            ]
        )

    def _taken(self, event: tuple[str, Json]) -> tuple[Part, ...]:
        name, value = event
        found = [(spot.channel, spot.text) for spot in spots(name, value) if not spot.is_json]
        found += _signed(value)
        if is_quiet(name, value):
            return ()
        for channel, said in found:
            if said:
                self._open.setdefault(channel, HeldText()).add(said)
        closed = self._closed([channel for channel in self._open if ends(value, channel)])
        return closed if found else (*closed, *self._told_whole(value))

    def _told_whole(self, value: Json) -> tuple[Part, ...]:
        """Texts in an event that is no piece, and that no piece has told: a block that comes whole, another final object."""
        told = [said for said in strings(value) if not any(said in known for known in self._decided)]
        self._decided += told
        return tuple(Part(Kind.TEXT, said) for said in told)

    def _closed(self, channels: list[Channel]) -> tuple[Part, ...]:
        texts = [self._open.pop(channel) for channel in channels]
        self._decided += [text.whole for text in texts]
        return tuple(text.decided() for text in texts if text.waits)


def _signed(value: Json) -> list[tuple[Channel, str]]:
    """Thoughts that their provider signs: nobody changes them, but they can be read."""
    body = obj(value)
    delta = obj(body.get("delta"))
    thoughts = (delta.get("thinking"), obj(delta.get("reasoningContent")).get("text"))
    place = str(body.get("index", body.get("contentBlockIndex", 0)))
    return [(("signed", place), said) for said in thoughts if isinstance(said, str) and said]


def strings(value: Json, name: str = "", depth: int = 0) -> Iterator[str]:
    """What an object says, whatever its shape."""
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        for key, one in value.items():
            yield from strings(one, key, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, name, depth + 1)
    elif isinstance(value, str) and value and name in _WHOLE:
        yield value
