"""Which turns of a call went upstream before: they are neither parsed, masked nor written again. Not masking, not sessions.

Strategy. Each turn has a key, made of all turns before it; those of turns that were sent are remembered. A long body is known by its bytes as
well: of one whose beginning was sent before, byte for byte, only what follows is parsed. Everything is remembered under keyed digests, in
memory, for one person on one connection under one set of policies: nothing here holds a text, or anything a text can be guessed from.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import NamedTuple

from addons.evidence.chain import Tip
from addons.providers import doors
from addons.providers.call import Call, Turn
from addons.providers.history import KEYS, Beginnings, Place, Reading, place_of
from addons.providers.json_values import dumps
from addons.providers.wire import WireRequest
from addons.views import Long, RequestView

LONG_BODY = 8 << 10  # bytes from which on a body's beginning is remembered
PREFIXES = 200_000  # turns remembered as sent, about 200 bytes each
ANSWERING = frozenset({"assistant", "model", "chatbot", "tool", "function"})  # roles of what comes after a question


class Sent(NamedTuple):
    """A turn that went upstream before, on this connection, by this person, under these rules."""

    tip: Tip | None
    session_id: str
    person_spoke: bool  # a user's turn is among it: a shared system prompt alone links nothing

    @classmethod
    def of(cls, kept: Kept) -> Sent:
        node, depth, session_id, spoke = kept
        return cls(Tip(node, depth) if node else None, session_id, spoke)

    @property
    def kept(self) -> Kept:
        return (self.tip.id, self.tip.depth, self.session_id, self.person_spoke) if self.tip else (b"", 0, *self[1:])


Kept = tuple[
    bytes, int, str, bool
]  # of 200,000 of them, none is looked at by the garbage collector: a plain tuple of plain values


@dataclass(frozen=True, slots=True)
class Known:
    """A beginning of a body that went upstream before, up to its last turn there."""

    key: bytes  # of that turn, in the prefix cache
    sent: Sent
    lead: bytes
    endpoint: str
    entries: int


@dataclass(frozen=True, slots=True)
class Read:
    """A call, the view of what of it was sent before, and the turns that were not."""

    call: Call
    view: RequestView
    fresh: tuple[Turn, ...]


class Histories:
    def __init__(self, key: bytes) -> None:
        self._key = key
        self._sent: OrderedDict[bytes, Kept] = OrderedDict()
        self._beginnings = Beginnings(key)

    def read(self, scope: str, provider: str, asked: WireRequest, *, whole: bool) -> Read:
        """scope: person, connection and policies. whole: somebody looks at every turn, so all of them are parsed.

        Without it, the call of a long body that goes on has only the turns that follow its known beginning.
        """
        if len(asked.body) < LONG_BODY or whole:
            call = doors.parse_call(provider, asked)
            return Read(call, *self._prefix(scope, call, call.turns, None))
        where = f"{scope}\0{asked.method}\0{asked.path}"
        reading = self._beginnings.read(where, asked.body)
        if reading.known and (read := self._read_on(scope, provider, asked, where, reading)):
            return read
        call = doors.parse_call(provider, asked)
        view, fresh = self._prefix(scope, call, call.turns, None)
        if view.known:  # a conversation that goes on, and may again
            place = place_of(asked.body)
            if place and (lead := _lead_of(call, place)) is not None:
                reading = self._beginnings.read("", asked.body)
                view.long = Long(where, reading, place, self._lead(call, lead), call.endpoint)
        return Read(call, view, fresh)

    def _read_on(self, scope: str, provider: str, asked: WireRequest, where: str, reading: Reading) -> Read | None:
        """The same for a body whose beginning is known; None where what follows is not just more entries of the list."""
        known: Known = reading.known.state  # type: ignore[assignment, union-attr] # what `sent` put there
        call = doors.parse_call(provider, replace(asked, body=reading.rest))
        place = place_of(reading.rest)
        lead = _lead_of(call, place)
        if place is None or lead is None or call.endpoint != known.endpoint or self._lead(call, lead) != known.lead:
            return None
        more = tuple(
            turn._replace(pointer=f"{turn.pointer.rpartition('/')[0]}/{number}")
            for number, turn in enumerate(call.turns[lead:], known.entries)
        )
        call = replace(call, turns=(*call.turns[:lead], *more))
        view, fresh = self._prefix(scope, call, more, known)
        whole = Place(place.begin, place.end + len(asked.body) - len(reading.rest), known.entries + place.entries)
        view.long = Long(where, reading, whole, known.lead, call.endpoint)
        return Read(call, view, fresh)

    def _lead(self, call: Call, count: int) -> bytes:
        """Digest of the turns that are not entries of the list: tools, a system prompt beside it."""
        said = b"\0".join(turn.role.encode() + b"\0" + dumps(turn.raw) for turn in call.turns[:count])
        return hashlib.sha256(self._key + said).digest()

    def _prefix(
        self, scope: str, call: Call, turns: tuple[Turn, ...], before: Known | None
    ) -> tuple[RequestView, tuple[Turn, ...]]:
        """The view of the turns that were sent before, and those that were not. before: what precedes `turns`, and was sent."""
        key = before.key if before else hashlib.sha256(self._key + f"{scope}\0{call.endpoint}".encode()).digest()
        keys: list[bytes] = []
        known, fresh_bytes = 0, 0
        last = before.sent if before else None
        for turn in turns:
            raw = dumps(turn.raw)
            key = hashlib.sha256(b"%b%b%b\0%b" % (self._key, key, turn.role.encode(), raw)).digest()
            if known == len(keys) and (found := self._sent.get(key)):
                self._sent.move_to_end(key)
                known, last = known + 1, Sent.of(found)
            else:
                fresh_bytes += len(raw)
            keys.append(key)
        view = RequestView(keys=tuple(keys), known=known, tip=last.tip if last else None, fresh_bytes=fresh_bytes)
        if last and last.person_spoke and (before or _goes_on(turns, known)):
            view.session_id = last.session_id
        view.spoke = (last.person_spoke,) if last else (False,)
        return view, turns[known:]

    def sent(self, view: RequestView) -> None:
        """The call has left: its turns need no second look."""
        for key, tip, spoke in zip(view.keys[view.known :], view.tips, view.spoke, strict=False):
            self._sent[key] = Sent(tip, view.session_id, spoke).kept
        while len(self._sent) > PREFIXES:
            self._sent.popitem(last=False)
        if (long := view.long) and view.tips:
            last = Sent(view.tips[-1], view.session_id, view.spoke[-1])
            self._beginnings.add(
                long.where,
                long.reading,
                long.place,
                Known(view.keys[-1], last, long.lead, long.endpoint, long.place.entries),
            )
            view.long = None


def _goes_on(turns: tuple[Turn, ...], known: int) -> bool:
    """An answer is among what was sent before, or follows it: then it is that conversation, not one that begins with the same words."""
    return any(turn.role.lower() in ANSWERING for turn in turns[: known + 1])


def _lead_of(call: Call, place: Place | None) -> int | None:
    """How many turns stand before those that are the entries at `place`, one each; None where they are not."""
    if place is None or (lead := len(call.turns) - place.entries) < 0:
        return None
    first, last = call.turns[lead].pointer.rpartition("/"), call.turns[-1].pointer.rpartition("/")
    fits = first[0] == last[0] and first[0][1:] in KEYS and first[2] == "0" and last[2] == str(place.entries - 1)
    return lead if fits else None
