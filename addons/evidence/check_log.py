"""Checks leaves, tree, checkpoints and payload commitments, in one pass from leaf 0 up. Not what payloads say: check_rows, check_messages.

A leaf that was changed or is missing is named, and the pass goes on with its stored hash, so that one change is one failure; if the
stored hash was changed too, the next checkpoint's root tells. Reads end after 5,000 leaves, so that a writer can truncate its WAL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from addons.evidence.checkpoints import Checkpoint, NoteInvalid
from addons.evidence.columns import PAYLOAD_KINDS
from addons.evidence.database import Connection
from addons.evidence.drafts import commitment
from addons.evidence.erasure import BITS, NOT_TAKEN
from addons.evidence.log import EMPTY_ROOT, Tree, leaf_hash, stored_count
from addons.evidence.records import TYPES
from addons.evidence.report import Report
from addons.evidence.rotation import KeyChain

LEAVES_AT_ONCE = 5000
_SIGNATURE_EVERY = 1000
_MISPLACED_MAX = 10_000

_ENVELOPE = ("v", "origin", "seq", "at", "type", "policy_digest", "payloads", "attrs")
_ENVELOPE_TYPES = (int, str, int, str, str, str, list, dict)
_EMPTY: dict[str, Any] = {}

Hashes = Callable[
    [int, int], dict[int, bytes]
]  # what a tree that grows from `first` to `end` leaves stores, by position


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf whose bytes are what was signed, with its payloads that are what it commits to."""

    seq: int
    said: Mapping[str, Any]
    payloads: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkpoint that the leaves must bear out; `place` says whose."""

    note: str
    place: str


class LogCheck:
    """One pass. `names`: pseudonym to name, of subjects that are still there; `claims`: checkpoints from outside the table.

    erased: kinds of payload, by leaf, that may be gone; hashes: where those of the tree are, if not in the table.
    """

    def __init__(
        self,
        connection: Connection,
        report: Report,
        keys: KeyChain,
        *,
        size: int,
        names: Mapping[str, str],
        claims: Sequence[Claim],
        erased: bytearray,
        hashes: Hashes | None = None,
    ) -> None:
        self._connection = connection
        self._report = report
        self._keys = keys
        self._origin = keys.newest.name
        self._size = size
        self._names = names
        self._claims = {claim: checkpoint for claim in claims if (checkpoint := self._checkpoint(claim)) is not None}
        self._roots = dict.fromkeys((checkpoint.size for checkpoint in self._claims.values()), b"")
        self.tree = Tree()
        self._hashes = hashes or self._stored
        self._misplaced: dict[int, int] = {}
        self._at = ""
        self._root_bad = False
        self._erased = erased

    def run(self, progress: Callable[[int, int], None]) -> Iterator[Leaf]:
        """Check every leaf; those that are not an exchange's beginning or end are handed on."""
        for first in range(0, self._size, LEAVES_AT_ONCE):
            yield from self._batch(first, min(first + LEAVES_AT_ONCE, self._size))
            progress(self.tree.size, self._size)
        self._report.counts["leaves"] = self._size
        self._name_misplaced()

    def check_signatures(self, *, every: bool) -> None:
        """The signatures of the table's checkpoints; then what was kept outside it."""
        if self._keys.fault:
            self._report.fail("key_change_bad", None, self._keys.fault)
        sizes, joints = set(), set(self._keys.joints)
        query = "SELECT size, note FROM checkpoints ORDER BY size DESC"
        for number, (size, note) in enumerate(self._connection.execute(query)):
            sizes.add(size)
            if every or number % _SIGNATURE_EVERY == 0 or size in joints:
                self._checkpoint(Claim(note, f"checkpoint {size}"))
        self._report.counts["checkpoints"] = len(sizes)
        for size in sorted(joints - sizes):
            self._report.fail("key_change_bad", size - 1, f"no checkpoint over {size} leaves, signed by both keys")
        for claim, checkpoint in self._claims.items():
            if checkpoint.size > self._size:
                detail = f"{claim.place} was signed over {checkpoint.size} leaves, {self._size} are here"
                self._report.fail("events_cut", self._size, detail)
            elif (self._roots[checkpoint.size] or EMPTY_ROOT) != checkpoint.root:
                self._report.fail("history_replaced", checkpoint.size, f"{claim.place} was signed over other leaves")
            elif checkpoint.size not in sizes:
                self._report.fail(
                    "checkpoint_missing", checkpoint.size, f"{claim.place} is not in the table of checkpoints"
                )

    def _checkpoint(self, claim: Claim) -> Checkpoint | None:
        self._report.counts["signatures"] += 1
        try:
            return self._keys.check(claim.note)
        except NoteInvalid as fault:
            self._report.fail("checkpoint_signature_bad", None, f"{claim.place}: {fault}")
            return None

    def _batch(self, first: int, end: int) -> Iterator[Leaf]:
        hashes = self._hashes(first, end)
        marks = {size: (root, note) for size, root, note in self._connection.execute(_MARKS, (first, end))}
        for row in self._connection.execute(_LEAVES, (first, end)):
            seq = row[0]
            while self.tree.size < seq:
                self._report.fail("event_missing", self.tree.size, f"leaf {self.tree.size} is not there")
                self._grow(None, hashes, marks)
            said = self._leaf(row, hashes)
            self._report.counts[row[3]] += 1
            self._grow(row[1], hashes, marks)
            payloads = self._payloads(seq, said, row)
            if said.get("type") == "gateway.recovered" and "from" in said["attrs"]:
                self._report.notes.append(_follows(said["attrs"]))
            if said.get("type") not in {"exchange.opened", "exchange.closed"}:
                yield Leaf(seq, said, {kind: orjson.loads(data) for kind, data in payloads.items()})
        while self.tree.size < end:
            self._report.fail("event_missing", self.tree.size, f"leaf {self.tree.size} is not there")
            self._grow(None, hashes, marks)

    def _stored(self, first: int, end: int) -> dict[int, bytes]:
        return dict(self._connection.execute(_HASHES, (stored_count(first), stored_count(end))))

    def _grow(self, body: bytes | None, hashes: dict[int, bytes], marks: dict[int, tuple[str, str]]) -> None:
        """Add a leaf to the tree by its stored hash, compare what else is stored, and any checkpoint of this size."""
        first = stored_count(self.tree.size)
        stored = hashes.get(first)
        if stored is None:
            stored = b"" if body is None else leaf_hash(body)
            self._report.fail("tree_changed", self.tree.size, "the leaf's hash is not stored")
        for place, digest in enumerate(self.tree.append(stored)[1:], first + 1):
            if hashes.get(place) != digest:
                self._report.fail(
                    "tree_changed", self.tree.size - 1, f"stored hash {place} is not what its two halves give"
                )
        if self.tree.size in self._roots:
            self._roots[self.tree.size] = self.tree.root()
        if self.tree.size in marks:
            self._mark(*marks[self.tree.size])

    def _mark(self, root: str, note: str) -> None:
        size = self.tree.size
        try:
            checkpoint = Checkpoint.unverified(note)
        except NoteInvalid as fault:
            self._report.fail("checkpoint_signature_bad", size, f"checkpoint {size}: {fault}")
            return
        if checkpoint.size != size or checkpoint.body.split("\n")[2] != root:
            self._report.fail(
                "checkpoint_row_changed", size, f"checkpoint {size}: size or root are not those of its note"
            )
        if self.tree.root() != checkpoint.root and not self._root_bad:
            self._root_bad = True  # every later root is wrong as well, and says nothing new
            detail = f"checkpoint {size} is the first that was signed over other leaves than these"
            self._report.fail("checkpoint_root_bad", size, detail)

    def _leaf(self, row: tuple[Any, ...], hashes: dict[int, bytes]) -> Mapping[str, Any]:
        """The envelope of a row; empty where it is none."""
        seq, body, at, kind, exchange_id, actor, *_ = row
        said = parsed(body)
        digest = leaf_hash(body)
        stored = hashes.get(stored_count(seq), b"")
        if tuple(map(type, map(said.get, _ENVELOPE))) != _ENVELOPE_TYPES or said["v"] != 1 or said["type"] not in TYPES:
            name = "leaf_invalid" if stored == digest else "leaf_changed"
            self._report.fail(name, seq, f"leaf {seq} is no envelope of a known form")
            return _EMPTY
        if said["origin"] != self._origin:
            self._report.fail("foreign_leaf", seq, f"leaf {seq} is one of the log {said['origin']}")
        elif said["seq"] != seq:
            if len(self._misplaced) < _MISPLACED_MAX:
                self._misplaced[seq] = said["seq"]
        elif stored != digest:
            self._report.fail("leaf_changed", seq, f"leaf {seq} is not what the tree was made of")
        person = self._names.get(str(said.get("actor")))
        # The name is gone with the person, or with what the leaf said; a column that names somebody else than the leaf never is.
        known = actor == person or (actor is None and self._erased[seq] & BITS["meta"])
        if (said["at"], said["type"], said.get("exchange_id")) != (at, kind, exchange_id) or not known:
            self._report.fail("event_row_changed", seq, f"a column of events {seq} is not what its leaf says")
        if at < self._at:
            self._report.counts["clock_steps"] += 1
            if self._report.counts["clock_steps"] <= 10:
                self._report.notes.append(f"the clock was set back before leaf {seq}: {self._at} to {at}")
        self._at = at
        return said

    def _payloads(self, seq: int, said: Mapping[str, Any], row: tuple[Any, ...]) -> dict[str, bytes]:
        """The payloads that are what the leaf commits to."""
        found: dict[str, bytes] = {}
        claimed = {
            str(entry.get("kind")): entry.get("commitment")
            for entry in said.get("payloads", ())
            if isinstance(entry, dict)
        }
        for number, kind in enumerate(PAYLOAD_KINDS):
            data, salt = row[6 + 2 * number], row[7 + 2 * number]
            if kind not in claimed:
                if data is not None:
                    self._report.fail("payload_changed", seq, f"{kind}: a payload that the leaf does not commit to")
            elif data is None or salt is None:
                if self._erased[seq] & BITS[kind]:
                    self._report.counts["erased"] += not self._erased[seq] & NOT_TAKEN
                else:
                    self._report.fail("payload_missing", seq, f"{kind}: gone, and no payload.erased leaf says so")
            elif commitment(salt, kind, data) == claimed[kind]:
                found[kind] = data
            else:
                self._report.fail("payload_changed", seq, f"{kind}: not what the leaf commits to")
        self._report.counts["payloads"] += len(found)
        return found

    def _name_misplaced(self) -> None:
        """Leaves whose own number is not that of their place: swapped, put in, taken out, or there twice."""
        places = self._misplaced
        if set(places) == set(places.values()):
            for place, number in places.items():
                self._report.fail("events_reordered", place, f"the leaf in place {place} is number {number}")
            return
        for place, number in places.items():
            shift = number - place
            if places.get(place - 1, -1) - (place - 1) == shift:
                continue  # told at the first of the run
            if shift > 0:
                detail = f"leaves {place} to {number - 1} are not there, later ones were renumbered"
                self._report.fail("event_missing", place, detail)
            elif number in places or place + 1 in places:
                self._report.fail(
                    "event_inserted", place, f"number {number} stands in place {place}: a leaf was put in before it"
                )
            else:
                self._report.fail("event_duplicated", place, f"the leaf in place {place} is number {number} again")


def _follows(attrs: Mapping[str, Any]) -> str:
    lost = f"{attrs.get('size')} of its {attrs.get('known_size')} known leaves were left"
    return f"this log follows {attrs['from']}, of which {lost}: check that one as well"


def parsed(body: bytes) -> dict[str, Any]:
    """The object that JSON text holds; empty where it is not one."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


_PAID = ", ".join(f"CAST(p.{kind} AS BLOB), p.{kind}_salt" for kind in PAYLOAD_KINDS)
_LEAVES = f"""
SELECT e.seq, CAST(e.leaf AS BLOB), e.at, e.type, e.exchange_id, e.actor, {_PAID}
FROM events e LEFT JOIN payloads p ON p.seq = e.seq WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq
"""  # noqa: S608 the pieces are constants of this file
_HASHES = "SELECT position, hash FROM hashes WHERE position >= ? AND position < ?"
_MARKS = "SELECT size, root, note FROM checkpoints WHERE size > ? AND size <= ?"
