"""What the record and approvers see of one exchange: made by masking.py, written by recording.py. Values only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from addons.evidence.chain import Masking as Row
from addons.evidence.chain import Node, Tip
from addons.evidence.records import Command, Names
from addons.providers.call import Part
from addons.providers.history import Place, Reading


@dataclass(frozen=True, slots=True)
class Long:
    """A long body, to be remembered once it has left."""

    where: str
    reading: Reading
    place: Place  # of the list, in the whole body
    lead: bytes
    endpoint: str


@dataclass(slots=True)
class RequestView:
    """A request as the record has it."""

    nodes: tuple[Node, ...] = field(default=(), repr=False)
    tip: Tip | None = None
    parts: tuple[Part, ...] = field(
        default=(), repr=False
    )  # unmasked, of turns not sent before: for rules, in memory only
    entities: Counter[str] = field(default_factory=Counter)
    parameters: str = field(default="{}", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    path: str = field(default="", repr=False)
    maskings: tuple[Row, ...] = ()
    session_id: str = ""
    link_reason: str = ""
    names: Names = field(default=(), repr=False)  # that are new and mean this session
    keys: tuple[bytes, ...] = field(default=(), repr=False)  # of every turn, for the prefix cache
    known: int = 0  # turns that were sent before
    fresh_bytes: int = 0  # JSON of the others
    long: Long | None = None
    tips: tuple[Tip | None, ...] = ()
    spoke: tuple[bool, ...] = ()


@dataclass(slots=True)
class ReplyView:
    """A reply as the record has it."""

    nodes: tuple[Node, ...] = field(default=(), repr=False)
    tip: Tip | None = None
    commands: tuple[Command, ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    maskings: tuple[Row, ...] = ()
    entities: Counter[str] = field(default_factory=Counter)
    names: Names = field(default=(), repr=False)
