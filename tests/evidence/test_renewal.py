"""Another key for the same log, and another log after a loss: what may go on, what may not, and what each verifier says to it."""

import shutil
import sqlite3

import pytest

from addons.evidence import renewal
from addons.evidence.checkpoints import Checkpoint, Signer, Verifier
from addons.evidence.database import StoreError
from addons.evidence.keys import Keys, KeysError
from addons.evidence.package import single_file_verify
from addons.evidence.store import Store
from addons.evidence.verify import Claim, verify
from tests.evidence.tampering import ask, change


def rotate(world, reason="yearly"):
    world.keys = renewal.rotate_key(
        world.path, world.folder / "keys", clock=world.clock, random=world.random, actor="os|root", reason=reason
    )
    return world.keys.vkey


def both(world, vkey, **more):
    """Names that the verifiers find, each; they have to agree."""
    ours = dict(verify(world.path, Verifier.of(vkey), everything=True, **more).totals)
    theirs = single_file_verify.verify(world.path, vkey, [], True).totals
    return set(ours), set(theirs)


@pytest.fixture
def rotated(world):
    """A log that had three keys, each of which signed something; the vkeys in order."""
    vkeys = [world.keys.vkey]
    for number in range(3):
        store = world.open()
        world.exchange(store, f"under key {number}")
        store.close()
        if number < 2:
            vkeys.append(rotate(world))
    return world, vkeys


def test_whichever_key_was_pinned_the_log_holds(rotated):
    world, vkeys = rotated

    assert [both(world, vkey) for vkey in vkeys] == [(set(), set())] * 3
    assert len(set(vkeys)) == 3
    assert len({Verifier.of(vkey).name for vkey in vkeys}) == 1


def test_a_checkpoint_kept_from_before_the_change_is_still_checked_with_its_own_key(rotated):
    world, vkeys = rotated
    [(early,)] = ask(world.folder, "SELECT note FROM checkpoints ORDER BY size LIMIT 1 OFFSET 1")

    report = verify(world.path, Verifier.of(vkeys[-1]), seen=[Claim(early, "last year's")])

    assert report.good, report.failures


def test_the_change_names_the_person_in_a_payload_and_no_secret_anywhere(rotated):
    world, vkeys = rotated
    rows = ask(world.folder, "SELECT leaf FROM events WHERE type = 'config.changed' ORDER BY seq")

    assert [vkey in leaf for vkey, (leaf,) in zip(vkeys[1:], rows, strict=True)] == [True, True]
    assert all("yearly" not in leaf for (leaf,) in rows)
    assert sorted(path.name for path in (world.folder / "keys").iterdir()) == [
        "approval.key", "fingerprint.key", "log.key", "log.vkey", "masking.key",
    ]  # fmt: skip


def resign(world, size, signer):
    """A checkpoint of the table signed anew, by somebody who has this key."""
    [(note,)] = ask(world.folder, "SELECT note FROM checkpoints WHERE size = ?", size)
    change(
        world.folder,
        ("UPDATE checkpoints SET note = ? WHERE size = ?", (signer.sign(note.split("\n\n")[0] + "\n"), size)),
    )


def test_an_old_checkpoint_signed_with_the_newest_key_is_found(rotated):
    world, vkeys = rotated
    resign(world, 1, world.keys.signer)

    assert [both(world, vkey) for vkey in vkeys] == [({"checkpoint_signature_bad"}, {"checkpoint_signature_bad"})] * 3


def test_a_new_checkpoint_signed_with_the_first_key_is_found(world):
    first = world.keys.signer
    rotate(world)
    store = world.open()
    world.exchange(store)
    store.close()
    [(size,)] = ask(world.folder, "SELECT max(size) FROM checkpoints")
    resign(world, size, first)

    assert both(world, world.keys.vkey) == ({"checkpoint_signature_bad"}, {"checkpoint_signature_bad"})


def test_a_change_that_only_the_new_key_signed_is_found(world):
    old = world.keys.vkey
    rotate(world)
    [(size,)] = ask(world.folder, "SELECT max(size) FROM checkpoints")
    resign(world, size, world.keys.signer)

    assert both(world, old) == ({"checkpoint_signature_bad"}, {"checkpoint_signature_bad"})


def test_a_change_without_its_checkpoint_is_found(rotated):
    world, vkeys = rotated
    [(seq,)] = ask(world.folder, "SELECT seq FROM events WHERE type = 'config.changed' ORDER BY seq LIMIT 1")
    change(world.folder, ("DELETE FROM checkpoints WHERE size = ?", (seq + 1,)))

    ours, theirs = both(world, vkeys[0])
    assert "key_change_bad" in ours
    assert "key_change_bad" in theirs


def test_a_key_that_no_change_leads_to_proves_nothing(rotated):
    world, _ = rotated
    stranger = Signer(world.keys.origin, b"s" * 32).verifier.vkey

    ours, theirs = both(world, stranger)
    assert {"key_change_bad", "checkpoint_signature_bad"} <= ours
    assert {"key_change_bad", "checkpoint_signature_bad"} <= theirs


def test_the_old_keys_cannot_go_on(world):
    old = shutil.copytree(world.folder / "keys", world.folder / "old-keys")
    rotate(world)

    with pytest.raises(StoreError, match=r"its key was changed to .*affidavit log rotate-key"):
        Store.open(world.path, Keys.load(old), clock=world.clock, random=world.random)


@pytest.mark.parametrize("cut", ["install_successor", "write_head"])
def test_a_change_that_was_cut_short_is_finished(world, monkeypatch, cut):
    def power_cut(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(renewal, cut, power_cut)
        with pytest.raises(KeyboardInterrupt):
            rotate(world)
    world.keys = Keys.load(world.folder / "keys")
    with pytest.raises(StoreError, match="affidavit log rotate-key"):
        world.open()

    vkey = rotate(world)

    world.open().close()
    assert both(world, vkey) == (set(), set())
    assert ask(world.folder, "SELECT count(*) FROM events WHERE type = 'config.changed'") == [(1,)]


def test_a_change_cut_short_between_its_two_files_is_finished_on_load(world):
    renewal.prepare_successor(world.folder / "keys", world.keys.origin, world.random)
    following = renewal.successor(world.folder / "keys")
    (world.folder / "keys" / "log.vkey").write_text(following.verifier.vkey + "\n")

    assert Keys.load(world.folder / "keys").vkey == following.verifier.vkey


def test_a_change_whose_new_key_is_lost_is_refused(world, monkeypatch):
    monkeypatch.setattr(renewal, "install_successor", lambda folder: None)
    monkeypatch.setattr(renewal.Keys, "load", classmethod(lambda cls, folder: world.keys))
    rotate(world)
    (world.folder / "keys" / "log.key.next").unlink()

    with pytest.raises(StoreError, match="restore the keys from a newer backup"):
        rotate(world)


def recover(world, **more):
    return renewal.begin_anew(
        world.path,
        world.folder / "keys",
        clock=world.clock,
        random=world.random,
        actor="os|root",
        reason="lost",
        **more,
    )


@pytest.fixture
def restored(world, tmp_path_factory):
    """A state whose store is yesterday's copy."""
    backup = tmp_path_factory.mktemp("backup") / "evidence.db"
    store = world.open()
    world.exchange(store, "yesterday")
    store.close()
    shutil.copy(world.path, backup)
    store = world.open()
    world.exchange(store, "today")
    store.close()
    shutil.copy(backup, world.path)
    return world


def test_a_restored_copy_is_refused_and_a_new_log_says_which_one_it_follows(restored):
    with pytest.raises(StoreError, match=r"this is an older copy.*affidavit log recover"):
        restored.open()

    keys, aside = recover(restored)

    assert keys.origin == restored.keys.origin + "/e2"
    assert keys.masking == restored.keys.masking
    with Store.reader(restored.path) as connection:
        [(leaf,)] = connection.execute("SELECT leaf FROM events WHERE type = 'gateway.recovered'").fetchall()
    assert f'"from":"{restored.keys.origin}","known_size":5,"size":3' in leaf
    assert "lost" not in leaf
    report = verify(restored.path, keys.signer.verifier)
    assert report.good, report.failures
    assert report.notes == [
        f"this log follows {restored.keys.origin}, of which 3 of its 5 known leaves were left: check that one as well"
    ]
    theirs = single_file_verify.verify(restored.path, keys.vkey, [], True)
    assert theirs.totals == {}
    assert any(restored.keys.origin in note for note in theirs.notes)
    assert set(verify(aside / "evidence.db", restored.keys.signer.verifier).totals) == {"events_cut"}


def test_the_new_log_can_be_lost_as_well(restored, tmp_path):
    keys, _ = recover(restored)
    restored.keys = keys
    backup = shutil.copy(restored.path, tmp_path / "backup.db")
    store = restored.open()
    restored.exchange(store)
    store.close()
    shutil.copy(backup, restored.path)

    again, _ = recover(restored)

    assert again.origin.endswith("/e3")


def test_a_store_that_can_go_on_is_not_put_aside(world):
    with pytest.raises(StoreError, match="is whole and the newest that is known"):
        recover(world)

    world.open().close()


def test_a_whole_state_restored_from_a_backup_is_given_up_for_a_checkpoint_that_somebody_kept(world, tmp_path):
    """Its head file is as old as its store: only what others saw tells."""
    shutil.copytree(world.folder, tmp_path / "backup")
    store = world.open()
    world.exchange(store)
    kept = store.checkpoint().result(10)
    store.close()
    world.folder, world.path = tmp_path / "backup", tmp_path / "backup" / "evidence.db"

    keys, _ = recover(world, known=kept)

    assert keys.origin.endswith("/e2")
    assert Checkpoint.unverified(kept).size == 3


def test_a_checkpoint_that_this_log_did_not_sign_is_no_reason(world):
    foreign = Signer("other.log", b"x" * 32)
    note = foreign.sign(Checkpoint("other.log", 99, bytes(32)).body)

    with pytest.raises(StoreError, match="give one that this log signed"):
        recover(world, known=note)


def test_a_damaged_store_is_put_aside_whole(world):
    data = bytearray(world.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    world.path.write_bytes(data)

    keys, aside = recover(world)

    assert (aside / "evidence.db").read_bytes() == bytes(data)
    assert Keys.load(world.folder / "keys").vkey == keys.vkey
    with pytest.raises(KeysError, match="exist already"):
        Keys.create(world.folder / "keys", world.random)
    with pytest.raises(sqlite3.DatabaseError), Store.reader(aside / "evidence.db") as connection:
        connection.execute("SELECT * FROM events").fetchall()
