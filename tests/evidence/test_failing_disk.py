"""The first failed write is the last: whatever happens to the disk, nothing is acknowledged that is not there, and nobody waits for ever."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from addons.evidence import writer
from addons.evidence.database import BUSY_MS
from addons.evidence.records import Event
from addons.evidence.store import StoreBusy, StoreFailed
from addons.evidence.verify import verify
from tests.evidence.samples import World

WRITER = str(Path(__file__).with_name("writing_process.py"))
ROOT = str(Path(__file__).parents[2])


def finding(store):
    return store.append(Event("finding"))


def seqs(world):
    """What is there after the gateway was started again."""
    store = world.open()
    with store.reading() as connection:
        found = {seq for (seq,) in connection.execute("SELECT seq FROM events")}
    store.close()
    return found


@pytest.mark.parametrize("action", ["unlink", "rename", "replace"])
@pytest.mark.parametrize("name", ["evidence.db", "evidence.db-wal"])
def test_a_store_moved_away_while_open_is_noticed_before_the_next_commit(world, action, name):
    store = world.open()
    finding(store).result(10)
    path = world.folder / name
    if action == "unlink":
        path.unlink()
    else:
        path.rename(path.with_name("moved"))
    if action == "replace":
        path.write_bytes(path.with_name("moved").read_bytes())

    with pytest.raises(StoreFailed, match="moved, deleted or replaced while open"):
        finding(store).result(10)
    store.close()


def test_after_one_failure_every_append_fails_with_the_same_reason(world):
    store = world.open()
    assert store.failure is None
    (world.folder / "evidence.db-wal").unlink()

    waiting = [finding(store) for _ in range(300)]
    done, undone = wait(waiting, timeout=10)

    assert not undone
    assert {type(future.exception()) for future in done} == {StoreFailed}
    assert store.failure is not None
    with pytest.raises(StoreFailed):
        finding(store).result(10)
    with pytest.raises(StoreFailed):
        store.checkpoint().result(10)
    store.close()


def test_a_fault_of_any_kind_latches(world, monkeypatch):
    store = world.open()
    monkeypatch.setattr(store._writer._ledger, "append", lambda units: units.nonsense)

    with pytest.raises(StoreFailed, match=r"write failed \(AttributeError\)"):
        finding(store).result(10)
    store.close()


def test_a_head_file_that_cannot_be_written_latches(world):
    store = world.open()
    (world.folder / "head.new").mkdir()

    finding(store).result(10)
    with pytest.raises(StoreFailed):
        store.checkpoint().result(10)
    store.close()


def test_a_failure_names_no_value(world):
    store = world.open()
    (world.folder / "evidence.db").unlink()

    with pytest.raises(StoreFailed) as caught:
        store.append(world.opened(store, "my secret question")).result(10)

    assert "secret" not in str(caught.value)
    store.close()


def writing_waits(store, monkeypatch):
    """Until the event is set."""
    held = threading.Event()
    append = store._writer._ledger.append
    monkeypatch.setattr(store._writer._ledger, "append", lambda units: (held.wait(10), append(units))[1])
    return held


def test_a_queue_that_is_full_refuses_and_recovers(world, monkeypatch):
    monkeypatch.setattr(writer, "_QUEUE_UNITS", 3)
    store = world.open()
    held = writing_waits(store, monkeypatch)

    first = [finding(store) for _ in range(3)]
    with pytest.raises(StoreBusy, match="wait for the disk; try again later"):
        finding(store).result(10)
    held.set()
    wait(first, timeout=10)

    assert finding(store).result(10)
    store.close()


def test_a_queue_is_bounded_in_bytes_too(world, monkeypatch):
    monkeypatch.setattr(writer, "_QUEUE_BYTES", 10_000)
    store = world.open()
    held = writing_waits(store, monkeypatch)

    first = store.append(world.opened(store, "x" * 20_000))
    with pytest.raises(StoreBusy):
        store.append(world.opened(store, "y")).result(10)
    held.set()

    assert first.result(10)
    store.close()


def run_writer(world, *limits):
    command = [sys.executable, WRITER, str(world.folder), *limits]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_full_disk_loses_nothing_that_was_acknowledged(world):
    """RLIMIT_FSIZE: SQLite sees a short write and answers SQLITE_IOERR_WRITE or SQLITE_FULL, the explicit ROLLBACK may fail as well."""
    process = run_writer(world, "--file-bytes", str(300_000))

    out, err = process.communicate(timeout=60)

    acknowledged = {int(line) for line in out.split() if line.isdigit()}
    assert "StoreFailed" in out, err
    assert "restart the gateway" in out
    assert acknowledged
    assert acknowledged <= seqs(world)
    assert verify(world.path, world.keys.signer.verifier).good


def killed_at(world, count):
    """Everything that a writer process acknowledged before it was killed, after about `count` records."""
    process = run_writer(world)
    acknowledged = []
    for line in process.stdout:
        acknowledged.append(int(line))
        if len(acknowledged) == count:
            os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    process.stderr.close()
    return set(acknowledged)


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path):
    world = World(tmp_path)
    acknowledged = set()

    for round_number in range(10):
        fresh = killed_at(world, 20 + 37 * round_number % 90)
        assert not fresh & acknowledged
        acknowledged |= fresh
        found = seqs(world)
        assert acknowledged <= found
        assert found == set(range(len(found)))
        assert verify(world.path, world.keys.signer.verifier).good


def test_a_second_writer_is_met_by_sqlites_own_lock(world):
    """Owners are kept apart by the lock on the state folder, which is not this room's; should that fail, this one is left."""
    store = world.open()
    store._writer._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(world.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreFailed, match="another program holds the store for writing"):
        finding(store).result(10)
    other.close()
    store.close()


def test_a_reader_that_stays_does_not_hold_up_the_writer(world, monkeypatch):
    monkeypatch.setattr(writer, "_WAL_BYTES", 0)
    store = world.open()
    world.exchange(store)
    with store.reading() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM events").fetchone()

        world.exchange(store)
        began = time.monotonic()
        store.checkpoint().result(10)
        took = time.monotonic() - began

    assert took < BUSY_MS / 1000 / 2
    store.close()
