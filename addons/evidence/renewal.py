"""What an operator does to a log that must not, or cannot, go on as it is: give it another key, or begin another log. Offline.

The caller owns the state. Another key: the same log goes on, see rotation.py. Another log: for a store that refuses to be opened
because it is behind what somebody has seen of it (a restored copy), or is damaged. Going on with it would sign a second history
under the same name; so it is put aside, whole, and a new log with a name of its own says which one it follows.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

from addons.evidence import opening
from addons.evidence.checkpoints import NoteInvalid, check_checkpoint
from addons.evidence.database import StoreError
from addons.evidence.head import head_path, read_head, write_head
from addons.evidence.ids import Clock, Random
from addons.evidence.keys import Keys, install_successor, prepare_successor, successor, sync_folder
from addons.evidence.records import Event
from addons.evidence.rotation import CHANGED, key_changes
from addons.evidence.store import Store

_EPOCH = re.compile(r"(.*)/e([1-9][0-9]*)")


def rotate_key(path: Path, folder: Path, *, clock: Clock, random: Random, actor: str, reason: str) -> Keys:
    """The keys of `folder` with a new one for the log of the store at `path`; finishes a change that was cut short.

    Order: the new key is on disk; then the leaf and a checkpoint by both keys, in one transaction; then the new key takes its place.
    """
    keys = Keys.load(folder)
    if _is_half_done(path, folder, keys):
        install_successor(folder)
        return Keys.load(folder)
    fresh = prepare_successor(folder, keys.origin, random)
    change = Event(
        "config.changed",
        actor=actor,
        attrs={"changed": CHANGED, "from": keys.vkey, "to": fresh.verifier.vkey},
        meta={"reason": reason},
    )
    with closing(opening.connected(path)) as connection:
        ledger, _, drafter = opening.resume(path, connection, keys, clock, random)
        draft = drafter.draft(change)
        connection.execute("BEGIN IMMEDIATE")
        ledger.append([[draft]])
        note = ledger.sign(fresh)
        connection.execute("COMMIT")
        write_head(path, note)
    install_successor(folder)
    return Keys.load(folder)


def _is_half_done(path: Path, folder: Path, keys: Keys) -> bool:
    """The log names the new key already, and it lies beside the old one."""
    fresh = successor(folder)
    with Store.reader(path) as connection:
        [size] = connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
        changes = key_changes(connection, size)
    if not changes or changes[-1].new == keys.vkey:
        return False
    if fresh is None or fresh.verifier.vkey != changes[-1].new:
        raise StoreError(f"{folder}: the log goes on under {changes[-1].new}; restore the keys from a newer backup")
    return True


def begin_anew(
    path: Path, folder: Path, *, clock: Clock, random: Random, actor: str, reason: str, known: str = ""
) -> tuple[Keys, Path]:
    """Put the store at `path` and its keys aside and make a new log; the new keys, and the folder where the old ones now are.

    known: a checkpoint from outside that is further than this store. Without one, a store that opens is refused: it can go on.
    """
    keys = Keys.load(folder)
    notes = [note for note in (known, read_head(path)) if note]
    ahead = max((_size(note, keys) for note in notes), default=0)
    size, newest = _reached(path)
    if not opening.refusal(path, keys) and ahead <= size:
        raise StoreError(f"evidence store {path} is whole and the newest that is known; start the gateway on it")
    aside = _aside(path, keys)
    making = aside / "making"
    making.mkdir(mode=0o700)
    fresh = Keys.create(making / "keys", random, _next_origin(keys.origin), like=keys)
    Store.create(making / path.name, fresh, clock=clock, random=random)
    store = Store.open(making / path.name, fresh, clock=clock, random=random)
    attrs = {"from": keys.origin, "vkey": keys.vkey, "size": size, "known_size": max(ahead, size), "checkpoint": newest}
    store.append(Event("gateway.recovered", actor=actor, attrs=attrs, meta={"reason": reason})).result()
    store.close()
    _swap(path, folder, aside, making)
    return fresh, aside


def _size(note: str, keys: Keys) -> int:
    try:
        return check_checkpoint(keys.signer.verifier, note).size
    except NoteInvalid as fault:
        raise StoreError(f"checkpoint: {fault}; give one that this log signed") from fault


def _reached(path: Path) -> tuple[int, str]:
    """How many leaves are here, and the newest checkpoint; (0, "") where nothing can be read."""
    try:
        with Store.reader(path) as connection:
            [size] = connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
            row = connection.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    except opening.UNREADABLE:
        return 0, ""
    return size, "" if row is None else row[0]


def _next_origin(origin: str) -> str:
    """`log.example.org/gateway-1`, then `…/e2`, then `…/e3`."""
    found = _EPOCH.fullmatch(origin)
    return f"{found[1]}/e{int(found[2]) + 1}" if found else f"{origin}/e2"


def _aside(path: Path, keys: Keys) -> Path:
    folder = path.with_name("logs") / re.sub(r"[^A-Za-z0-9.-]", "_", keys.origin)
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise StoreError(f"{folder} is there already; move it away, it is a log that was put aside before") from None
    return folder


def _swap(path: Path, folder: Path, aside: Path, making: Path) -> None:
    """The old files go first: between the two halves the state has no store, and nothing can be written into the wrong one."""
    beside = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")), head_path(path), folder]
    for old in beside:
        if old.exists():
            old.rename(aside / old.name)
    for new in sorted(making.iterdir()):
        new.rename(path.with_name(new.name))
    making.rmdir()
    sync_folder(aside)
    sync_folder(path.parent)
