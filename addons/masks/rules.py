"""What to do about a detection, and what was done: the values this room takes and gives. Not policy: policy's own rule is turned into one of these."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from re import Pattern
from typing import Any

from addons.masks.places import Place

REQUEST = "request"
RESPONSE = "response"


class Action(StrEnum):
    """What happens to a detected value in the record (and on the wire, where the rule says so)."""

    REDACT = "redact"  # [ENTITY]
    HASH = "hash"  # [ENTITY:16 letters], the same for the same value
    PARTIAL = "partial"  # [ENTITY:..1111]
    KEEP = "keep"  # left as it is, and counted
    BLOCK = "block"  # hashed in the record, and the call must not pass


class Wire(StrEnum):
    """In which direction the provider (or the client) gets the masked form instead of the original."""

    NONE = "none"
    REQUEST = REQUEST
    RESPONSE = RESPONSE
    BOTH = "both"

    def covers(self, direction: str) -> bool:
        return self is Wire.BOTH or self.value == direction


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the masking policy. Empty tuples mean every. The first rule that fits an entity decides."""

    id: str
    entities: tuple[str, ...]  # ("*",): every entity
    action: Action
    wire: Wire = Wire.NONE
    connections: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()  # "request", "response"
    restore: bool = False  # in the reply, its placeholders become the caller's values again
    threshold: float = 0.0  # detections less sure are left to the rules below
    fields: tuple[Place, ...] = ()  # only there; (): everywhere

    def fits(self, connection: str, groups: frozenset[str], direction: str) -> bool:
        return (
            (not self.connections or connection in self.connections)
            and (not self.groups or not groups.isdisjoint(self.groups))
            and (not self.directions or direction in self.directions)
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """Values that are nobody's secret: left as they are, and not counted."""

    entities: tuple[str, ...]
    values: tuple[str, ...] = ()
    patterns: tuple[Pattern[str], ...] = ()  # that fit the whole value


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of `maskings`: what was found where, and what was done. Never the value."""

    location: str  # JSON pointer, "header:name", "query:name", "path", or what the caller said
    entity: str
    rule: str
    action: Action
    token: str  # what stands in the record; "" where the value was kept
    count: int
    wire: str  # "masked" where the other side gets the token too, else "original"


@dataclass(frozen=True, slots=True)
class Masked:
    """A text fit for the record."""

    text: str = field(repr=False)
    hits: tuple[Hit, ...] = ()
    blocked: bool = False  # a `block` rule fired: the call must not pass
    withheld: bool = (
        False  # the text could not be searched in time: nothing of it is shown, and it must not pass masked wires
    )


@dataclass(frozen=True, slots=True)
class MaskedJson:
    """A JSON value fit for the record. Keys and numbers that were hits are string tokens now."""

    value: Any = field(repr=False)
    hits: tuple[Hit, ...] = ()
    blocked: bool = False
    withheld: bool = False
    originals: dict[str, str] = field(default_factory=dict, repr=False)  # of rules that restore; in memory only


@dataclass(frozen=True, slots=True)
class MaskedPairs:
    """Headers or form fields fit for the record."""

    pairs: tuple[tuple[str, str], ...] = field(repr=False)
    hits: tuple[Hit, ...] = ()
    blocked: bool = False
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class MaskedDeltas:
    """The pieces of a stream fit for the record: as many as came, a token in the first piece its value touched."""

    deltas: tuple[str, ...] = field(repr=False)
    hits: tuple[Hit, ...] = ()
    blocked: bool = False
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class MaskedDocument:
    """A body fit for the record, by its content type."""

    form: str  # "json" "lines" "form" "multipart" "text" "binary"
    text: str = field(repr=False)  # "" for binary: the caller records digest, type and size
    hits: tuple[Hit, ...] = ()
    blocked: bool = False
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class MaskedBody:
    """A body as it can be sent on: what is not masked is there byte for byte."""

    content: bytes | None = field(repr=False)  # None: it holds what cannot be masked in its place
    hits: tuple[Hit, ...] = ()
    withheld: bool = False
    originals: dict[str, str] = field(default_factory=dict, repr=False)
