"""What is opened: only our own log, whole and newest; what a crash left open is closed; nothing is made by accident."""

import json
import shutil
import sqlite3
from datetime import timedelta

import pytest

from addons.evidence.database import sqlite_notes
from addons.evidence.keys import Keys
from addons.evidence.migrations import VERSION
from addons.evidence.records import ApprovalRecord, Event, Partial
from addons.evidence.store import Store, StoreError
from tests.evidence.samples import ALICE, run_of


def change(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def types(store):
    with store.reading() as connection:
        return [kind for (kind,) in connection.execute("SELECT type FROM events ORDER BY seq")]


def test_a_missing_store_names_the_command_and_makes_nothing(world):
    world.path.unlink()

    with pytest.raises(StoreError, match=r"not found; create it: affidavit init"):
        world.open()
    with pytest.raises(StoreError, match=r"not found; create it: affidavit init"), Store.reader(world.path):
        pass
    assert not world.path.exists()


def test_an_existing_store_is_never_overwritten(world):
    before = world.path.read_bytes()
    (world.folder / "head").unlink()

    with pytest.raises(StoreError, match="exists already"):
        Store.create(world.path, world.keys, clock=world.clock, random=world.random)
    assert world.path.read_bytes() == before


def test_a_new_store_beside_an_old_head_is_refused(world):
    world.path.unlink()

    with pytest.raises(StoreError, match="belongs to a store that is gone"):
        Store.create(world.path, world.keys, clock=world.clock, random=world.random)
    assert not world.path.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a database at all, just a text that is longer than a header of SQLite has to be, isn't it"]
)
def test_another_file_is_refused(world, content):
    world.path.write_bytes(content)

    with pytest.raises(StoreError, match=r"evidence store|not an evidence store"):
        world.open()
    assert world.path.read_bytes() == content


def test_a_database_of_another_program_is_refused(world):
    world.path.unlink()
    change(world.path, "CREATE TABLE t (a)")

    with pytest.raises(StoreError, match="is not an evidence store"):
        world.open()


def test_a_newer_store_is_refused(world):
    change(world.path, f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(StoreError, match=f"has schema {VERSION + 1}, this program knows {VERSION}; update the gateway"):
        world.open()


def test_a_migration_is_a_leaf_in_its_own_transaction(world):
    store = world.open()

    with store.reading() as connection:
        [leaf] = connection.execute("SELECT leaf FROM events WHERE seq = 0").fetchone()
        [version] = connection.execute("PRAGMA user_version").fetchone()
    assert json.loads(leaf)["attrs"] == {"from": 0, "to": VERSION}
    assert version == VERSION
    store.close()


def test_another_origin_is_refused(world):
    with pytest.raises(StoreError, match="a log keeps its name"):
        world.open(origin="log.example.org")


def test_other_keys_are_refused(world, tmp_path):
    other = Keys.create(tmp_path / "other", world.random)

    with pytest.raises(StoreError, match="give it the keys it was made with"):
        Store.open(world.path, other, clock=world.clock, random=world.random)


def test_an_older_copy_put_back_is_refused(world, tmp_path):
    shutil.copy(world.path, tmp_path / "copy")
    store = world.open()
    world.exchange(store)
    store.close()
    shutil.copy(tmp_path / "copy", world.path)

    with pytest.raises(StoreError, match=r"has 1 leaves, .*head was signed over 3: this is an older copy"):
        world.open()


def test_a_store_whose_last_leaves_were_cut_off_is_refused(world):
    store = world.open()
    world.exchange(store)
    store.close()
    change(world.path, "DELETE FROM events WHERE seq = 2", "DELETE FROM payloads WHERE seq = 2")
    (world.folder / "head").unlink()

    with pytest.raises(StoreError, match="its newest checkpoint was signed over 3"):
        world.open()


def test_a_store_that_grew_a_second_history_is_refused(world, tmp_path):
    """A copy taken at rest is put back and goes on; the head file of the first history then comes back as well."""
    aside = tmp_path / "aside"
    shutil.copytree(world.folder, aside, ignore=shutil.ignore_patterns("keys", "aside"))

    def live(history):
        store = world.open()
        store.append(Event("finding", attrs={"history": history})).result(10)
        store.close()

    live("one")
    first = (world.folder / "head").read_bytes()
    shutil.copytree(aside, world.folder, dirs_exist_ok=True)
    live("two")
    (world.folder / "head").write_bytes(first)

    with pytest.raises(StoreError, match=r"is not what .*head was signed over"):
        world.open()


def test_a_changed_leaf_after_the_newest_checkpoint_is_refused(world):
    store = world.open()
    store.checkpoint().result(10)
    store.append(Event("finding", attrs={"code": "bypass"})).result(10)
    store.close()
    (world.folder / "head").unlink()
    change(
        world.path,
        "DELETE FROM checkpoints WHERE size = 2",
        "UPDATE events SET leaf = replace(leaf, 'bypass', 'nothin') WHERE seq = 1",
    )

    with pytest.raises(StoreError, match="leaf 1 of 2 was changed"):
        world.open()


def test_a_store_without_a_checkpoint_is_refused(world):
    change(world.path, "DELETE FROM checkpoints")

    with pytest.raises(StoreError, match="has no checkpoint"):
        world.open()


def test_a_damaged_schema_is_told_not_thrown(world):
    change(world.path, "DROP TABLE subjects")

    with pytest.raises(StoreError, match="keep this copy, run affidavit verify"):
        world.open()


def test_leaves_continue_where_they_ended(world):
    store = world.open()
    world.exchange(store)
    store.close()

    store = world.open()

    assert store.append(Event("finding")).result(10) == (3,)
    store.close()


def test_a_conversation_continues_after_a_restart(world):
    store = world.open()
    _, first = world.exchange(store, "one", "two")
    store.close()

    store = world.open()
    second, _ = world.exchange(store, "three", "four", after=first.reply)

    with store.reading() as connection:
        query = "SELECT content FROM messages WHERE exchange_id = ?"
        assert connection.execute(query, (second.id,)).fetchall() == [("one",), ("two",), ("three",), ("four",)]
    store.close()


def test_exchanges_left_open_are_closed_as_interrupted(world):
    store = world.open()
    done, _ = world.exchange(store)
    left = world.opened(store, "left open")
    store.append(left).result(10)
    store.close()
    world.clock.now += timedelta(hours=1)

    store = world.open()

    with store.reading() as connection:
        found = dict(connection.execute("SELECT id, outcome FROM exchanges"))
        [leaf] = connection.execute("SELECT leaf FROM events WHERE type = 'gateway.recovered'").fetchone()
    assert found == {done.id: "completed", left.id: "interrupted"}
    assert json.loads(leaf)["attrs"] == {"interrupted": 1}
    assert types(store)[-2:] == ["gateway.recovered", "exchange.closed"]
    store.close()


def test_what_was_known_of_an_interrupted_reply_is_kept(world):
    store = world.open()
    opened = world.opened(store)
    blocks = run_of(store, ALICE, opened.request, "the first block")
    store.append(opened, Partial(opened.id, ALICE, blocks, blocks[0].tip)).result(10)
    store.close()

    store = world.open()

    with store.reading() as connection:
        query = "SELECT content FROM messages WHERE direction = 'response'"
        assert connection.execute(query).fetchall() == [("the first block",)]
    store.close()


def test_many_interrupted_exchanges_are_closed_in_steps(world):
    store = world.open()
    for _ in range(1100):
        store.append(world.opened(store))
    store.close()

    store = world.open()

    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM exchanges WHERE outcome = 'interrupted'").fetchone() == (1100,)
    assert types(store).count("gateway.recovered") == 1
    store.close()


def test_nothing_is_recovered_after_an_orderly_end(world):
    store = world.open()
    world.exchange(store)
    store.close()

    store = world.open()

    assert "gateway.recovered" not in types(store)
    store.close()


def test_pending_approvals_stay_pending(world):
    store = world.open()
    opened = world.opened(store)
    store.append(opened, ApprovalRecord("approval.requested", world.approval(opened.id), actor=ALICE)).result(10)
    store.close()

    store = world.open()

    with store.reading() as connection:
        assert connection.execute("SELECT state FROM approvals").fetchall() == [("pending",)]
    store.close()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
        ((3, 6, 0), False),
    ],
)
def test_a_sqlite_with_the_wal_reset_bug_is_named(version, affected):
    assert bool(sqlite_notes(version)) == affected
