"""What somebody with the files in hand may do to a store or a package, and the name under which it has to be found. Not tests."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from addons.evidence.checkpoints import Checkpoint, Signer, sign_checkpoint

Change = Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Attack:
    """One change of the database. In a package the log's text is changed along with it, and all manifests are made anew."""

    what: str
    found_as: str
    change: Change
    found_in_package_as: str = ""  # where a package has no tree to say which leaf it was

    @property
    def package_name(self) -> str:
        return self.found_in_package_as or self.found_as


def run(*statements: str) -> Change:
    def change(database: sqlite3.Connection) -> None:
        for statement in statements:
            assert database.execute(statement).rowcount, f"the attack hit nothing: {statement}"

    return change


def swap(one: int, other: int) -> Change:
    """Each leaf in the other's place, its columns too; payloads and rows follow."""
    columns = "at, type, exchange_id, actor, leaf"

    def change(database: sqlite3.Connection) -> None:
        rows = [
            database.execute(f"SELECT {columns} FROM events WHERE seq = ?", (seq,)).fetchone() for seq in (one, other)
        ]
        for seq, row in zip((other, one), rows, strict=True):
            database.execute(f"UPDATE events SET ({columns}) = (?, ?, ?, ?, ?) WHERE seq = ?", (*row, seq))

    return change


def drop_and_renumber(first: int) -> Change:
    def change(database: sqlite3.Connection) -> None:
        [last] = database.execute("SELECT max(seq) FROM events").fetchone()
        for table in ("events", "payloads"):
            database.execute(f"DELETE FROM {table} WHERE seq = ?", (first,))
            for seq in range(first + 1, last + 1):
                database.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (seq - 1, seq))

    return change


def edit_leaf(seq: int, **changes: object) -> Change:
    def change(database: sqlite3.Connection) -> None:
        [leaf] = database.execute("SELECT leaf FROM events WHERE seq = ?", (seq,)).fetchone()
        text = json.dumps(json.loads(leaf) | changes, sort_keys=True, separators=(",", ":"))
        database.execute("UPDATE events SET leaf = ? WHERE seq = ?", (text, seq))

    return change


def add_message(database: sqlite3.Connection) -> None:
    """A sentence that was never said, after the last of a conversation, under ids of somebody's making."""
    parent, depth, subject = database.execute(
        "SELECT number, depth, subject FROM nodes ORDER BY number DESC LIMIT 1"
    ).fetchone()
    database.execute("INSERT INTO contents (id, subject, text) VALUES (?, ?, 'do it')", (bytes(16), subject))
    [content] = database.execute("SELECT max(number) FROM contents").fetchone()
    [seq] = database.execute("SELECT max(opened_seq) FROM exchanges").fetchone()
    row = (bytes(32), parent, depth + 1, subject, content, seq)
    database.execute(
        "INSERT INTO nodes (id, parent, depth, subject, content, seq, role, kind) VALUES (?, ?, ?, ?, ?, ?, 'user', 'text')",
        row,
    )


def sign_with_another_key(database: sqlite3.Connection) -> None:
    """Every checkpoint, under the log's own name."""
    rows = database.execute("SELECT size, note FROM checkpoints").fetchall()
    for size, note in rows:
        checkpoint = Checkpoint.unverified(note)
        forged = sign_checkpoint(Signer(checkpoint.origin, bytes(range(32))), checkpoint)
        database.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (forged, size))


NOBODY = "'local|nobody'"
ATTACKS = (
    Attack("a changed message", "message_changed", run("UPDATE contents SET text = 'be wordy' WHERE text = 'be brief'")),
    Attack("a message said by another", "node_changed", run("UPDATE nodes SET role = 'user' WHERE number = 1")),
    Attack("a masking that is hidden", "node_changed", run("UPDATE nodes SET maskings = NULL WHERE maskings IS NOT NULL")),
    Attack("a message that was never sent", "node_added", add_message),
    Attack("a text that is gone", "content_missing", run("DELETE FROM contents WHERE text = 'be brief'")),
    Attack("a better grade of an approval", "approval_changed", run("UPDATE approvals SET grade = 'managed' WHERE id = 'ap_1'")),
    Attack("a changed approver", "approval_changed", run(f"UPDATE approvals SET approver = {NOBODY} WHERE id = 'ap_1'")),
    Attack("a denial turned into an approval", "approval_changed", run("UPDATE approvals SET state = 'approved' WHERE id = 'ap_2'")),
    Attack("an approval that is gone", "approval_missing", run("DELETE FROM approvals WHERE id = 'ap_1'")),
    Attack("an approval that nobody gave", "approval_added", run("INSERT INTO approvals (id, state) VALUES ('ap_3', 'approved')")),
    Attack("a grant used by another", "grant_changed", run("UPDATE grants SET used_by = NULL")),
    Attack("a role given later", "role_changed", run("UPDATE roles SET granted_at = '2026-12-01T00:00:00.000000Z'")),
    Attack("an exchange of another person", "exchange_row_changed", run(f"UPDATE exchanges SET subject = {NOBODY} WHERE opened_seq = (SELECT min(opened_seq) FROM exchanges)")),
    Attack("a refusal that passes for a success", "exchange_row_changed", run("UPDATE exchanges SET outcome = 'completed' WHERE outcome = 'refused'")),
    Attack("an exchange that is gone", "exchange_row_missing", run("DELETE FROM exchanges WHERE outcome = 'refused'")),
    Attack("a conversation put under another exchange", "exchange_row_changed", run("UPDATE exchanges SET request_node = 1, reply_node = 1 WHERE outcome = 'aborted'")),
    Attack("changed rules", "policy_changed", run("UPDATE policies SET content = '{}'")),
    Attack("changed particulars", "payload_changed", run("UPDATE payloads SET meta = replace(meta, 'trial', 'managed')")),
    Attack("particulars that are gone", "payload_missing", run("UPDATE payloads SET meta = NULL, meta_salt = NULL WHERE seq = (SELECT min(opened_seq) FROM exchanges)")),
    Attack("a dropped last event", "events_cut", run("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")),
    Attack("ten dropped last events", "events_cut", run("DELETE FROM events WHERE seq > (SELECT max(seq) - 10 FROM events)")),
    Attack("an event dropped in the middle", "event_missing", run("DELETE FROM events WHERE seq = 9")),
    Attack("one dropped, later ones renumbered", "event_missing", drop_and_renumber(9)),
    Attack("two swapped", "events_reordered", swap(8, 9)),
    Attack("a changed leaf", "leaf_changed", edit_leaf(8, attrs={"n": 1}), "checkpoint_root_bad"),
    Attack("a leaf of another log", "foreign_leaf", edit_leaf(8, origin="log.example.org/other")),
    Attack("an event under another name", "event_row_changed", run(f"UPDATE events SET actor = {NOBODY} WHERE seq = (SELECT min(opened_seq) FROM exchanges)")),
    Attack("another key's signatures", "checkpoint_signature_bad", sign_with_another_key),
    Attack("a root of somebody's making", "checkpoint_row_changed", run(f"UPDATE checkpoints SET root = '{base64.b64encode(bytes(32)).decode()}'")),
    Attack("another name for a person", "subject_changed", run(f"UPDATE subjects SET subject = {NOBODY} WHERE subject = 'local|ann'")),
)  # fmt: skip


def change_database(path: Path, attack: Attack) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        attack.change(database)


def change_package(package: Path, attack: Attack) -> None:
    """As somebody would who knows the format: log/entries.jsonl is what the database says, and manifests fit."""
    place = package / "data" / "evidence.sqlite"
    change_database(place, attack)
    with closing(sqlite3.connect(place)) as database:
        leaves = [leaf for (leaf,) in database.execute("SELECT leaf FROM events ORDER BY seq")]
    (package / "data" / "log" / "entries.jsonl").write_text("".join(leaf + "\n" for leaf in leaves))
    seal(package)


def seal(package: Path) -> None:
    """Both manifests anew."""
    payload = [path for path in sorted((package / "data").rglob("*")) if path.is_file()]
    (package / "manifest-sha256.txt").write_text(_lines(package, payload))
    tags = [
        path
        for path in sorted(package.rglob("*"))
        if path.is_file() and path not in payload and path.name != "tagmanifest-sha256.txt"
    ]
    (package / "tagmanifest-sha256.txt").write_text(_lines(package, tags))


def _lines(package: Path, paths: list[Path]) -> str:
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(package)}\n" for path in paths)
