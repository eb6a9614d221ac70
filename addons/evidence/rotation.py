"""The log's keys in the order in which they signed it, and the change from one to the next. Not the files of the keys (keys.py).

A log keeps its name when its key changes. The change is a leaf, and the checkpoint right after it bears the signatures of both keys:

    leaf r             config.changed, attrs {"changed": "log_key", "from": vkey, "to": vkey}
    checkpoints        sizes up to r + 1: the old key;  from r + 1 on: the new key;  r + 1 itself: both

So whoever pinned either key is led to the other one, and a key that somebody stole later signs nothing that lies before its time
(systemd's sealing once accepted old entries under the newest key: CVE-2023-31439).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import orjson

from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier, check_checkpoint
from addons.evidence.database import Connection

CHANGED = "log_key"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """Leaf `seq` says that `new` follows `old`."""

    seq: int
    old: str  # vkeys
    new: str


def key_changes(connection: Connection, size: int) -> tuple[KeyChange, ...]:
    """Those among the first `size` leaves, in order. What is no such leaf is passed over: the leaves' own check names it."""
    rows = connection.execute(
        "SELECT seq, leaf FROM events WHERE type = 'config.changed' AND seq < ? ORDER BY seq", (size,)
    )
    found = []
    for seq, leaf in rows:
        try:
            attrs = orjson.loads(leaf)["attrs"]
            if attrs.get("changed") == CHANGED:
                found.append(KeyChange(seq, str(attrs.get("from")), str(attrs.get("to"))))
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
            continue
    return tuple(found)


class KeyChain:
    """Which keys must have signed a checkpoint of which size. `pinned`: the one key that whoever checks was given."""

    def __init__(self, pinned: Verifier, changes: Sequence[KeyChange]) -> None:
        self.changes = tuple(changes)
        self.fault = _fault(pinned, changes)
        if self.fault:
            self.changes = ()
        vkeys = [change.old for change in self.changes[:1]] + [change.new for change in self.changes]
        self._keys = [Verifier.of(vkey) for vkey in vkeys] or [pinned]

    @property
    def newest(self) -> Verifier:
        return self._keys[-1]

    @property
    def oldest(self) -> Verifier:
        return self._keys[0]

    @property
    def joints(self) -> tuple[int, ...]:
        """Sizes of the checkpoints that must bear two signatures."""
        return tuple(change.seq + 1 for change in self.changes)

    def keys_of(self, size: int) -> Iterable[Verifier]:
        first = sum(change.seq + 1 < size for change in self.changes)
        last = sum(change.seq < size for change in self.changes)
        return self._keys[first : last + 1]

    def check(self, note: str) -> Checkpoint:
        """What `note` says, if each key of its time signed it; or NoteInvalid."""
        checkpoint = Checkpoint.unverified(note)
        for key in self.keys_of(checkpoint.size):
            check_checkpoint(key, note)
        return checkpoint


def _fault(pinned: Verifier, changes: Sequence[KeyChange]) -> str:
    """Why the changes lead to nothing that `pinned` vouches for; "" where they do."""
    if not changes:
        return ""
    try:
        names = {Verifier.of(vkey).name for change in changes for vkey in (change.old, change.new)}
    except NoteInvalid as fault:
        return f"a change of the key names no key: {fault}"
    if names != {pinned.name}:
        return f"a change of the key names another log than {pinned.name}"
    if any(before.new != after.old for before, after in pairwise(changes)):
        return "a change of the key does not begin with the key before it"
    if pinned.vkey not in {vkey for change in changes for vkey in (change.old, change.new)}:
        return "no change of the key leads to the key that was given"
    return ""
