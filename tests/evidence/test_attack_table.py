"""What an auditor fears, one line each, by both verifiers: `affidavit verify` and the single file, which share no code.

Attacks on lists, figures and custody of a package stand in tests/evidence_package/test_attacks.py, those on keys in test_renewal.py,
on erasures in test_erasure.py, on anchors in tests/console/test_anchoring.py.
"""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from addons.evidence.checkpoints import Checkpoint, Signer
from addons.evidence.log import Tree, leaf_hash
from addons.evidence.package import single_file_verify
from addons.evidence.verify import Claim, verify
from tests.evidence.samples import ALICE, World
from tests.evidence.tampering import ask, change, fill, verifier


def by_command(folder, kept=None):
    seen = [] if kept is None else [Claim(kept.read_text(), "kept")]
    return set(verify(folder / "evidence.db", verifier(folder), seen=seen, everything=True).totals)


def by_file(folder, kept=None):
    return set(single_file_verify.verify(folder, verifier(folder).vkey, [] if kept is None else [kept], True).totals)


BOTH = pytest.mark.parametrize("names", [by_command, by_file], ids=["affidavit verify", "verify.py"])


def insert_leaf(folder):
    """One more leaf in the middle, later ones renumbered, the tree made anew up to the last leaf: only the checkpoints do not fit."""
    with closing(sqlite3.connect(folder / "evidence.db")) as database, database:
        leaves = [leaf for (leaf,) in database.execute("SELECT leaf FROM events ORDER BY seq")]
        forged = json.loads(leaves[14]) | {"seq": 14, "attrs": {"code": "nothing"}, "payloads": []}
        leaves.insert(14, json.dumps(forged, sort_keys=True, separators=(",", ":")))
        database.execute("UPDATE events SET seq = -seq - 2 WHERE seq >= 14")
        database.execute("UPDATE events SET seq = -seq - 1 WHERE seq < 0")
        database.execute(
            "INSERT INTO events SELECT 14, at, type, NULL, actor, ? FROM events WHERE seq = 15", (leaves[14],)
        )
        write_tree(database, leaves)


def write_tree(database, leaves):
    tree, hashes = Tree(), []
    for leaf in leaves:
        hashes.extend(tree.append(leaf_hash(leaf.encode())))
    database.execute("DELETE FROM hashes")
    database.executemany("INSERT INTO hashes VALUES (?, ?)", enumerate(hashes))


def rewrite_leaf(folder):
    """A leaf changed and the whole tree made anew: a store that fits itself, but for what was signed."""
    with closing(sqlite3.connect(folder / "evidence.db")) as database, database:
        database.execute("UPDATE events SET leaf = replace(leaf, 'bypass', 'nothin') WHERE seq = 14")
        write_tree(database, [leaf for (leaf,) in database.execute("SELECT leaf FROM events ORDER BY seq")])


def sign_older(folder):
    """The newest checkpoint replaced by one over fewer leaves, as a log would that wants to forget its end."""
    change(
        folder,
        "DELETE FROM events WHERE seq > 9",
        "DELETE FROM payloads WHERE seq > 9",
        "DELETE FROM checkpoints WHERE size > 10",
    )
    change(folder, "DELETE FROM hashes WHERE position > 17")
    [(note,)] = ask(folder, "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
    (folder / "head").write_text(note)


ATTACKS = {
    "the last leaves dropped": (["DELETE FROM events WHERE seq > 14"], "events_cut"),
    "a leaf dropped in the middle": (["DELETE FROM events WHERE seq = 13"], "event_missing"),
    "two leaves swapped": (
        ["UPDATE events SET seq = -1 WHERE seq = 13", "UPDATE events SET seq = 13 WHERE seq = 16", "UPDATE events SET seq = 16 WHERE seq = -1"],
        "events_reordered",
    ),
    "a leaf put in and all hashes made anew": (insert_leaf, "event_inserted"),
    "a leaf changed and all hashes made anew": (rewrite_leaf, "checkpoint_root_bad"),
    "a number there twice": (["UPDATE events SET leaf = (SELECT leaf FROM events WHERE seq = 13) WHERE seq = 16"], "event_duplicated"),
    "a payload edited": (["UPDATE payloads SET meta = replace(meta, 'example.org', 'example.com') WHERE seq = 14"], "payload_changed"),
    "a payload moved to another leaf": (
        ["UPDATE payloads SET meta = (SELECT meta FROM payloads WHERE seq = 2), meta_salt = (SELECT meta_salt FROM payloads WHERE seq = 2) WHERE seq = 14"],
        "payload_changed",
    ),
    "erased without a leaf": (["UPDATE payloads SET meta = NULL, meta_salt = NULL WHERE seq = 14"], "payload_missing"),
    "erased by a leaf of the attacker's": (
        ["UPDATE payloads SET meta = NULL, meta_salt = NULL WHERE seq = 2", """UPDATE events SET type = 'payload.erased',
          leaf = replace(replace(leaf, '"finding"', '"payload.erased"'), '"code":"bypass"', '"seqs":[2]') WHERE seq = 14"""],
        "leaf_changed",
    ),
    "a hidden end of a call": (["UPDATE exchanges SET closed_seq = NULL, outcome = NULL WHERE closed_seq IS NOT NULL"], "exchange_row_changed"),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize(("attack", "name"), ATTACKS.values(), ids=ATTACKS)
def test_each_attack_is_found_by_its_name(copy, names, attack, name):
    attack(copy) if callable(attack) else change(copy, *attack)

    assert name in names(copy)


@BOTH
def test_an_untouched_log_holds(copy, names):
    assert names(copy) == set()


@BOTH
@pytest.mark.parametrize(
    ("attack", "name"), [(sign_older, "events_cut"), (rewrite_leaf, "checkpoint_root_bad")], ids=["older", "other"]
)
def test_what_fits_itself_does_not_fit_what_somebody_kept(copy, filled, tmp_path, names, attack, name):
    kept = tmp_path / "kept"
    kept.write_text((copy / "head").read_text())
    attack(copy)

    assert name in names(copy, kept)


@BOTH
def test_whoever_has_the_key_too_is_found_by_what_somebody_kept_only(copy, filled, tmp_path, names):
    """Everything after the first checkpoint written anew and signed with the true key: the limit of every proof without an anchor."""
    kept = tmp_path / "kept"
    kept.write_text((copy / "head").read_text())
    rewrite_leaf(copy)
    leaves = [leaf for (leaf,) in ask(copy, "SELECT leaf FROM events ORDER BY seq")]
    for (size,) in ask(copy, "SELECT size FROM checkpoints"):
        tree = Tree()
        for leaf in leaves[:size]:
            tree.append(leaf_hash(leaf.encode()))
        checkpoint = Checkpoint(filled.keys.origin, size, tree.root())
        note = filled.keys.signer.sign(checkpoint.body)
        change(
            copy,
            ("UPDATE checkpoints SET root = ?, note = ? WHERE size = ?", (checkpoint.body.split("\n")[2], note, size)),
        )
    (copy / "head").write_text(note)

    assert names(copy) == set()
    assert names(copy, kept) == {"history_replaced"}


@BOTH
def test_a_record_of_another_log_is_found(copy, tmp_path, names):
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", seed=2)
    fill(other)
    [(leaf,)] = ask(other.folder, "SELECT leaf FROM events WHERE seq = 14")
    change(copy, ("UPDATE events SET leaf = ? WHERE seq = 14", (leaf,)))

    assert "foreign_leaf" in names(copy)


@BOTH
def test_a_whole_other_log_under_this_ones_key_is_found(copy, tmp_path, names):
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", seed=2)
    fill(other)
    shutil.copy(copy / "keys" / "log.vkey", other.folder / "keys" / "log.vkey")

    assert {"foreign_leaf", "checkpoint_signature_bad"} <= names(other.folder)


@BOTH
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"decided_at": "2026-11-23T15:30:00.000000Z"}, "approval_after_use"),
        ({"approver": ALICE}, "self_approval"),
        ({"decided_at": "2026-11-23T14:00:00.000000Z"}, "approval_out_of_time"),
    ],
    ids=["approval after use", "self-approval", "decided before it was asked for"],
)
def test_what_a_gateway_recorded_against_the_rules_is_found(world, names, changes, name):
    """Not an attack on the files: everything is signed. The gateway, or whoever holds it, let something through."""
    store = world.open()
    opened = world.opened(store)
    store.append(opened).result(10)
    decided, _ = world.approved(store, opened, **changes)
    store.append(world.closed(store, opened, approval_id=decided.id)).result(10)
    store.close()

    assert name in names(world.folder)


@BOTH
def test_a_checkpoint_by_a_key_of_the_same_name_is_found(copy, filled, names):
    """Signed anew under another key that bears the log's name."""
    forger = Signer(filled.keys.origin, b"f" * 32)
    for size, note in ask(copy, "SELECT size, note FROM checkpoints"):
        change(
            copy, ("UPDATE checkpoints SET note = ? WHERE size = ?", (forger.sign(note.split("\n\n")[0] + "\n"), size))
        )

    assert "checkpoint_signature_bad" in names(copy)
