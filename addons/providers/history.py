"""Where the history stands in a request's bytes, so that what was sent before need not be read again. Not a wire format, and it reads no message.

    {"model":"m","messages":[{…},{…}],"stream":true}
                            ^begin   ^end                one list of entries, under one of KEYS, in the outermost object

Source: RFC 8259. A body is taken for JSON here; whoever asks has parsed it, or parses what is left of it (`without`).
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from addons.providers.json_values import NotJson, loads

KEYS: Final = frozenset({"messages", "input", "contents"})
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:,]', re.DOTALL)
_BLANK: Final = b" \t\r\n"
_TAIL: Final = 64  # bytes looked at before a digest is taken
_TRIES: Final = 4  # digests taken for one body
_EACH: Final = 64  # beginnings remembered for one person, connection and path
_SCOPES: Final = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """A list of entries within a body."""

    begin: int  # behind its "["
    end: int  # behind its last entry
    entries: int


def place_of(body: bytes) -> Place | None:
    """The one list; None where there is none, where there are several, or where it is empty."""
    found: list[Place] = []
    key = b""
    depth, begin, commas, last = 0, -1, 0, 0
    for token in _TOKEN.finditer(body):
        mark = token[0][:1]
        if mark == b'"':
            key = token[0] if depth == 1 else key
        elif mark in b"[{":
            depth += 1
            if depth == 2 and mark == b"[" and _named(key):
                begin, commas = token.end(), 0
        elif mark in b"]}":
            depth -= 1
            if begin >= 0 and depth == 1:
                end = token.start() - _blanks_before(body, token.start())
                found.append(Place(begin, end, commas + 1 if end > begin else 0))
                begin = -1
        elif mark == b"," and depth <= 2:
            commas += depth == 2
            key = b"" if depth == 1 else key
        elif mark == b":" and depth == 1:
            last += _named(key)
    return found[0] if len(found) == last == 1 and found[0].entries else None


def _named(key: bytes) -> bool:
    """Whether a key's own bytes, quoted and perhaps with escapes, are one of KEYS."""
    try:
        return bool(key) and loads(key) in KEYS
    except NotJson:
        return False


def _blanks_before(body: bytes, position: int) -> int:
    size = position
    while size and body[size - 1] in _BLANK:
        size -= 1
    return position - size


def without(body: bytes, begin: int, end: int) -> bytes:
    """The body as if the entries from `begin` to `end` were not in it, nor the comma behind them."""
    rest = body[end:].lstrip(_BLANK)
    return body[:begin] + (rest[1:] if rest[:1] == b"," else rest)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Bytes of a body up to the end of an entry, all of which went upstream before."""

    begin: int
    end: int
    tail: int  # hash of its last bytes, in this process
    digest: bytes
    state: object = field(repr=False)  # whatever the caller knows of it


@dataclass(slots=True)
class Reading:
    """One body on its way: what of it is known, and its digest so far."""

    body: bytes = field(repr=False)
    known: Beginning | None
    digest: hashlib._Hash = field(repr=False)

    @property
    def rest(self) -> bytes:
        """The body without the entries that are known."""
        return without(self.body, self.known.begin, self.known.end) if self.known else self.body


class Beginnings:
    """Beginnings of bodies, by keyed digest: it holds nothing a text can be guessed from. Bounded; the oldest go first."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._scopes: OrderedDict[str, OrderedDict[tuple[int, int], Beginning]] = OrderedDict()

    def read(self, scope: str, body: bytes) -> Reading:
        """scope: what must be the same beside the bytes: person, connection, policies, method and path."""
        tries = 0
        for one in reversed(self._scopes.get(scope, {}).values()):
            if one.end <= len(body) and one.tail == hash(body[one.end - _TAIL : one.end]) and tries < _TRIES:
                tries += 1
                digest = self._digest(body, one.end)
                if digest.digest() == one.digest:
                    return Reading(body, one, digest)
        return Reading(body, None, self._digest(body, 0))

    def _digest(self, body: bytes, end: int) -> hashlib._Hash:
        digest = hashlib.sha256(self._key)
        digest.update(memoryview(body)[:end])
        return digest

    def add(self, scope: str, reading: Reading, place: Place, state: object) -> None:
        """That the body up to `place.end` went upstream."""
        start = reading.known.end if reading.known else 0
        digest = reading.digest.copy()
        digest.update(memoryview(reading.body)[start : place.end])
        tail = hash(reading.body[place.end - _TAIL : place.end])
        kept = self._scopes.setdefault(scope, OrderedDict())
        self._scopes.move_to_end(scope)
        kept[place.end, tail] = Beginning(place.begin, place.end, tail, digest.digest(), state)
        kept.move_to_end((place.end, tail))
        while len(kept) > _EACH:
            kept.popitem(last=False)
        while len(self._scopes) > _SCOPES:
            self._scopes.popitem(last=False)
