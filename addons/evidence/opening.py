"""What happens before a store is written to: is it ours, whole, newest; migrate it; close what a crash left open. Not the full check.

Opening reads the newest checkpoint and what came after it, O(log n) hashes and the unsigned tail; `affidavit verify` reads everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import batched
from pathlib import Path

from addons.evidence.chain import Tip
from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier
from addons.evidence.database import (
    APPLICATION_ID,
    Connection,
    Database,
    StoreError,
    connect,
    create_file,
    reader,
    sqlite3,
)
from addons.evidence.drafts import Drafter
from addons.evidence.head import read_head, write_head
from addons.evidence.ids import Clock, Random, time_text
from addons.evidence.keys import Keys
from addons.evidence.ledger import Ledger, Open, State
from addons.evidence.log import Tree, leaf_hash, position, root_at
from addons.evidence.migrations import MIGRATIONS, VERSION
from addons.evidence.records import Closed, Event, Outcome, Record
from addons.evidence.rotation import KeyChain, key_changes
from addons.evidence.stored_log import StoredHashes
from addons.evidence.subjects import Subjects

_RECOVERED_AT_ONCE = 500
UNREADABLE = (sqlite3.Error, StoreError)


def initialise(path: Path, keys: Keys, clock: Clock, random: Random) -> None:
    """Make the file, its schema, the first leaf and the first checkpoint."""
    if read_head(path) is not None:
        raise StoreError(
            f"{path.with_name('head')} belongs to a store that is gone; put that store back, or move the head file away first"
        )
    create_file(path)
    with closing(connect(path)) as connection, _faults(path):
        ledger = Ledger(connection, keys.signer, clock, State(Tree()))
        _migrate(path, connection, ledger, Drafter(Subjects([], random), random), 0)


def connected(path: Path) -> Connection:
    """The read-write connection to a store of this program; a file that is anything else is not touched."""
    with _faults(path):
        with reader(path) as connection:
            _refuse_foreign(path, connection)
        return connect(path)


def refusal(path: Path, keys: Keys) -> str:
    """Why this store cannot be gone on with, "" where it can; changes nothing."""
    try:
        with _faults(path), reader(path) as connection:
            _refuse_foreign(path, connection)
            _state(path, connection, keys.signer.verifier)
    except StoreError as fault:
        return str(fault)
    return ""


def resume(
    path: Path, connection: Connection, keys: Keys, clock: Clock, random: Random
) -> tuple[Ledger, Subjects, Drafter]:
    """Check the store, bring its schema up to date, close what a crash left open."""
    with _faults(path):
        version = _refuse_foreign(path, connection)
        ledger = Ledger(connection, keys.signer, clock, _state(path, connection, keys.signer.verifier))
        subjects = Subjects(connection.execute("SELECT number, subject, key, pseudonym FROM subjects"), random)
        drafter = Drafter(subjects, random)
        _migrate(path, connection, ledger, drafter, version)
        _recover(connection, ledger, drafter)
    return ledger, subjects, drafter


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as fault:
        raise StoreError(
            f"evidence store {path}: {fault}; keep this copy, run affidavit verify, restore from a backup"
        ) from fault


def _recover(connection: Connection, ledger: Ledger, drafter: Drafter) -> None:
    """Close what the last run left open, as interrupted, with what is known of its reply. Pending approvals stay pending."""
    rows = connection.execute(_OPEN_ROWS).fetchall()
    if not rows:
        return
    at = time_text(ledger.clock())
    records: list[Record] = [Event("gateway.recovered", attrs={"interrupted": len(rows)})]
    for exchange_id, subject, _, _, reply, depth in rows:
        tip = None if reply is None else Tip(reply, depth)
        records.append(Closed(exchange_id, subject, at, Outcome.INTERRUPTED, reply=tip))
    for part in batched(records, _RECOVERED_AT_ONCE):
        connection.execute("BEGIN IMMEDIATE")
        ledger.append([[drafter.draft(record)] for record in part])
        connection.execute("COMMIT")


_OPEN_ROWS = """
SELECT x.id, x.subject, q.id, q.depth, r.id, r.depth
FROM exchanges x LEFT JOIN nodes q ON q.number = x.request_node LEFT JOIN nodes r ON r.number = x.reply_node
WHERE x.closed_seq IS NULL ORDER BY x.opened_seq
"""


def _refuse_foreign(path: Path, connection: Connection) -> int:
    """The schema's version, if this program may continue it. An emptied file is not a new store: `create` makes those."""
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID or version < 1:
        raise StoreError(
            f"{path} is not an evidence store (application id {application:#x}); give the path of evidence.db"
        )
    if version > VERSION:
        raise StoreError(
            f"evidence store {path} has schema {version}, this program knows {VERSION}; update the gateway"
        )
    return int(version)


def _migrate(path: Path, connection: Connection, ledger: Ledger, drafter: Drafter, version: int) -> None:
    """All steps, their leaf and its checkpoint in one transaction."""
    if version == VERSION:
        return
    database = Database(connection, execute_plugins=False, recursive_triggers=False)
    connection.execute("BEGIN IMMEDIATE")
    for migration in MIGRATIONS[version:]:
        migration(database)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    step = Event("store.migrated", attrs={"from": version, "to": VERSION})
    ledger.append([[drafter.draft(step)]])
    note = ledger.sign()
    connection.execute("COMMIT")
    write_head(path, note)


def _state(path: Path, connection: Connection, verifier: Verifier) -> State:
    [size] = connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
    newest = connection.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    if newest is None:
        raise StoreError(f"evidence store {path} has no checkpoint; restore it from a backup")
    keys = KeyChain(verifier, key_changes(connection, size))
    if keys.newest != verifier:
        raise StoreError(
            f"evidence store {path}: its key was changed to {keys.newest.vkey}, these are the keys of before; "
            "finish the change: affidavit log rotate-key"
        )
    checkpoint = _checkpoint(path, newest[0], keys)
    reader = StoredHashes(connection)
    for claim, place in ((checkpoint, "its newest checkpoint"), (_head(path, keys), f"{path.with_name('head')}")):
        _refuse_behind(path, claim, place, size, reader)
    _refuse_changed_tail(path, connection, checkpoint.size, size, reader)
    policy = connection.execute("SELECT digest FROM policies ORDER BY seq DESC LIMIT 1").fetchone()
    return State(
        tree=Tree.stored(size, reader),
        policy_digest="" if policy is None else policy[0],
        checkpoint=checkpoint,
        note=newest[0],
        open={
            row[0]: Open(row[1], None if row[2] is None else Tip(row[2], row[3]))
            for row in connection.execute(_OPEN_ROWS)
        },
    )


def _checkpoint(path: Path, note: str, keys: KeyChain) -> Checkpoint:
    try:
        return keys.check(note)
    except NoteInvalid as fault:
        raise StoreError(
            f"evidence store {path} is not the log of {keys.newest.name} ({fault}); give it the keys it was made with"
        ) from fault


def _head(path: Path, keys: KeyChain) -> Checkpoint | None:
    note = read_head(path)
    return None if note is None else _checkpoint(path, note, keys)


def _refuse_behind(path: Path, claim: Checkpoint | None, place: str, size: int, reader: StoredHashes) -> None:
    if claim is None:
        return
    if claim.size > size:
        raise StoreError(
            f"evidence store {path} has {size} leaves, {place} was signed over {claim.size}: this is an older copy; "
            "put the newest store back, or keep this one and begin a new log: affidavit log recover"
        )
    if root_at(claim.size, reader) != claim.root:
        raise StoreError(
            f"evidence store {path} is not what {place} was signed over; keep this copy and run affidavit verify"
        )


def _refuse_changed_tail(path: Path, connection: Connection, first: int, size: int, reader: StoredHashes) -> None:
    """What no checkpoint covers yet must at least be what its own hashes say."""
    for seq, leaf in connection.execute("SELECT seq, leaf FROM events WHERE seq >= ?", (first,)):
        if reader([position(0, seq)]) != [leaf_hash(leaf.encode())]:
            raise StoreError(
                f"evidence store {path}: leaf {seq} of {size} was changed; keep this copy and run affidavit verify"
            )
